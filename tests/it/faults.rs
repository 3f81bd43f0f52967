//! What goes wrong between the service and the program: by chance the lake is right all the same, for good the run says
//! what it is and ends in time.

mod chance;
mod limits;
mod permanent;
