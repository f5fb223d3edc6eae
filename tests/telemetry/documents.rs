//! The dashboard and the rules of `docs/operations`, and the tables of the module, name what is there.
