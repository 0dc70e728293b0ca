//! The sandbox from outside: what is refused, what each limit does, what comes back.

mod answers;
mod golden;
mod hostile;
mod limits;
mod loading;
mod plugins;
mod support;
