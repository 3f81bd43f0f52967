//! Connections that can be made to break.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// How an answer ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    /// Bytes of the body that still go out; none: not even the head of the answer does.
    pub(super) body_bytes: Option<usize>,
    pub(super) how: Breaking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaking {
    /// The connection closes in order.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more comes for so long, then the connection closes.
    Silence(Duration),
}

/// Takes connections and counts them.
pub(super) struct Door {
    listener: TcpListener,
    taken: Arc<AtomicU64>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, taken: Arc<AtomicU64>) -> Self {
        Self { listener, taken }
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = Line;

    async fn accept(&mut self) -> (Wire, Line) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        self.taken.fetch_add(1, Ordering::Relaxed);
        // Answers are small, and tests wait for them; a connection without the option serves as well.
        let _ = stream.set_nodelay(true);
        let line = Line::default();
        (Wire { stream, line: line.clone(), head: Head::default(), silence: None }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        self.listener.local_addr().map(|_: SocketAddr| Line::default())
    }
}

/// What a handler holds of its connection: the order to break it. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Arc<Mutex<Option<Break>>>);

impl Line {
    /// Breaks the answer that is about to be written.
    pub(super) fn break_off(&self, order: Break) {
        *self.order() = Some(order);
    }

    fn order(&self) -> MutexGuard<'_, Option<Break>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A connection, with an eye on what is written to it.
pub(super) struct Wire {
    stream: TcpStream,
    line: Line,
    head: Head,
    silence: Option<Pin<Box<Sleep>>>,
}

/// How far the head of an answer has gone out: so many bytes of the empty line that ends it.
#[derive(Debug, Default, Clone, Copy)]
struct Head {
    matched: usize,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Head {
    fn is_over(self) -> bool {
        self.matched == END_OF_HEAD.len()
    }

    /// Takes note of `bytes` of an answer, and gives how many of them belong to its head.
    fn take(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            if self.is_over() {
                return at;
            }
            self.matched = if END_OF_HEAD[self.matched] == *byte {
                self.matched + 1
            } else {
                usize::from(*byte == END_OF_HEAD[0])
            };
        }
        bytes.len()
    }
}

impl Wire {
    /// Bytes of `bytes` that may go out before `left` bytes of the body have.
    fn allowed(&self, bytes: &[u8], left: usize) -> usize {
        let head = { self.head }.take(bytes);
        head + (bytes.len() - head).min(left)
    }

    /// Takes note of what has gone out of an answer that is to break.
    fn went_out(&mut self, bytes: &[u8]) {
        let head = self.head.take(bytes);
        let mut order = self.line.order();
        if let Some(left) = order.as_mut().and_then(|order| order.body_bytes.as_mut()) {
            *left -= bytes.len() - head;
        }
    }

    /// Whether all that may go out has gone out, and a body of any length is over.
    fn is_over(&self) -> Option<Breaking> {
        let order = self.line.order();
        order
            .filter(|order| order.body_bytes.is_none_or(|left| left == 0 && self.head.is_over()))
            .map(|order| order.how)
    }

    /// The end of a broken connection: an error once it is time.
    fn poll_end(&mut self, how: Breaking, context: &mut Context<'_>) -> Poll<io::Error> {
        match how {
            Breaking::Close => {}
            Breaking::Reset => {
                // Without it the connection would close in order: the test that wants a reset would not have one.
                self.stream.set_zero_linger().expect("an open socket takes its options");
            }
            Breaking::Silence(time) => {
                let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(time)));
                if silence.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(io::Error::new(ErrorKind::ConnectionAborted, "the simulator breaks this connection"))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.is_over() {
            Some(how) => self.poll_end(how, context).map(Err),
            None => Pin::new(&mut self.stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(how) = self.is_over() {
            return self.poll_end(how, context).map(Err);
        }
        let left = self.line.order().and_then(|order| order.body_bytes);
        let Some(left) = left else { return Pin::new(&mut self.stream).poll_write(context, bytes) };
        let allowed = &bytes[..self.allowed(bytes, left)];
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, allowed))?;
        self.went_out(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.is_over() {
            Some(how) => self.poll_end(how, context).map(Err),
            None => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
