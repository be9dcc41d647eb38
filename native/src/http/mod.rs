//! Apart from all the rest: what a request asks for. It is here since it is read for every dashboard.

pub mod request_head;
