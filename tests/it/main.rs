//! What kore-lake promises, held from outside: through its public library and its binary.

mod layering;
