//! Requests over kept-alive connections, as fast as they are answered.
//!
//! One thread of its own writes and reads; it shares the machine with the server, in floor and
//! figure alike.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// How long requests are sent for one measurement.
const TIME: Duration = Duration::from_secs(1);
/// Longest head of an answer.
const HEAD: usize = 4 << 10;

/// A path of a server, how many ask for it at a time, and how long the body they get is.
pub(crate) struct Load {
    pub(crate) server: SocketAddr,
    pub(crate) path: String,
    pub(crate) connections: usize,
    pub(crate) body: usize,
}

impl Load {
    /// Requests answered in a second. Any other answer than the expected one is an error.
    pub(crate) fn requests_per_second(&self) -> Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(self.send(self.request()))
    }

    /// How long the middle one of the requests over one connection takes, in microseconds. Each must be
    /// answered as expected.
    pub(crate) fn median_micros(&self) -> Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let request = self.request();
        let mut took = runtime.block_on(async {
            let mut stream = TcpStream::connect(self.server).await.context("no connection to the server")?;
            stream.set_nodelay(true)?;
            let (mut buffer, mut took, began) = (vec![0; HEAD + self.body], Vec::new(), Instant::now());
            while began.elapsed() < TIME {
                let asked = Instant::now();
                stream.write_all(&request).await?;
                answer(&mut stream, &mut buffer, self.body).await?;
                took.push(asked.elapsed());
            }
            anyhow::Ok(took)
        })?;
        took.sort_unstable();
        let middle = took.get(took.len() / 2).context("nothing was answered")?;
        Ok(middle.as_secs_f64() * 1e6)
    }

    fn request(&self) -> Arc<[u8]> {
        format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", self.path, self.server).into_bytes().into()
    }

    async fn send(&self, request: Arc<[u8]>) -> Result<f64> {
        let mut streams = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.server).await.context("no connection to the server")?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for stream in streams {
            clients.spawn(client(stream, Arc::clone(&request), self.body, began + TIME));
        }
        let mut answered = 0;
        while let Some(client) = clients.join_next().await {
            answered += client??;
        }
        Ok(f64::from(answered) / began.elapsed().as_secs_f64())
    }
}

/// Asks again and again until the time is over; answers how often.
async fn client(mut stream: TcpStream, request: Arc<[u8]>, body: usize, until: Instant) -> Result<u32> {
    let mut buffer = vec![0; HEAD + body];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(&request).await?;
        answer(&mut stream, &mut buffer, body).await?;
        answered += 1;
    }
    Ok(answered)
}

async fn answer(stream: &mut TcpStream, buffer: &mut [u8], body: usize) -> Result<()> {
    let (mut read, mut expected) = (0, None);
    while expected.is_none_or(|expected| read < expected) {
        let free = buffer.get_mut(read..).filter(|free| !free.is_empty());
        let more = stream.read(free.context("an answer longer than expected")?).await?;
        ensure!(more > 0, "the server closed the connection");
        read += more;
        if expected.is_none() {
            expected = length(&buffer[..read], body)?;
        }
    }
    ensure!(expected == Some(read), "an answer longer than it says");
    Ok(())
}

/// Bytes of the whole answer, once its head is there: a 200 with a body as long as expected.
fn length(read: &[u8], body: usize) -> Result<Option<usize>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&read[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "not a 200: {head}");
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            ensure!(value.parse() == Ok(body), "a body of {value} bytes and not of {body}");
            return Ok(Some(end + 4 + body));
        }
    }
    bail!("an answer without a length: {head}")
}
