"""Functions that turn raw web text into a high-quality corpus; importing this loads neither Beam nor any model."""
