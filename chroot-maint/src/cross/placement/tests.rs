//! What a look into programs comes to.
