//! HTTP/1.1 by hand: thousands of requests at once without a thread for each, and connections that the
//! test itself keeps, as a load balancer does.

use std::{
    io::{Error, ErrorKind},
    net::SocketAddr,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Answer;

/// A request as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(String);

/// A connection that is kept between requests.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What came and isn't looked at yet.
    buffer: Vec<u8>,
}

impl Request {
    /// With JSON, where there is a body.
    pub fn new(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            text.push_str("content-type: application/json\r\n");
        }
        if method != "GET" {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        Self(format!("{text}\r\n{body}"))
    }
}

impl Connection {
    /// A new one.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Whether the other side hasn't hung up, as far as is known here.
    pub fn is_open(&self) -> bool {
        let read = self.stream.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends a request and waits for the answer.
    pub async fn send(&mut self, request: &Request) -> Result<Answer, Error> {
        self.stream.write_all(request.0.as_bytes()).await?;
        let head = loop {
            match self.buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                Some(end) => break self.take(end + 4)?,
                None => self.read().await?,
            }
        };
        let (status, headers) = parse(&head).ok_or_else(|| Error::other(head.clone()))?;
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = match length {
            Some((_, length)) => length.parse().map_err(Error::other)?,
            None if status == 204 || status == 304 => 0,
            None => return Err(Error::other(format!("an answer of unknown length: {head}"))),
        };
        while self.buffer.len() < length {
            self.read().await?;
        }
        let raw = self.take(length)?;
        let body = serde_json::from_str(&raw).unwrap_or_else(|_| Value::String(raw.clone()));
        Ok(Answer { status, headers, body, raw })
    }

    async fn read(&mut self) -> Result<(), Error> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn take(&mut self, length: usize) -> Result<String, Error> {
        let rest = self.buffer.split_off(length);
        String::from_utf8(std::mem::replace(&mut self.buffer, rest)).map_err(Error::other)
    }
}

/// The status and the headers of an answer, names in lower case.
fn parse(head: &str) -> Option<(u16, Vec<(String, String)>)> {
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some((status, lines.map(header).collect::<Option<_>>()?))
}
