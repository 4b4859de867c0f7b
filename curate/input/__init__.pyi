from .dates import iso_date as iso_date
from .warc import Broken as Broken, Page as Page, Skipped as Skipped, read_records as read_records
