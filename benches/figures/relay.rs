//! A relay before the org: it counts what passes, and speaks TLS where it is told to.

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use crate::Environment;

/// A running relay; it ends with this value.
pub struct Relay {
    /// What a function is started with that shall go this way.
    pub variables: Vec<(String, String)>,
    bytes: Arc<AtomicU64>,
    task: JoinHandle<()>,
    _roots: Option<tempfile::NamedTempFile>,
}

impl Relay {
    /// Over plain HTTP.
    pub async fn plain(environment: &Environment) -> anyhow::Result<Self> {
        Self::start(environment, None).await
    }

    /// Over TLS, under a certificate of its own.
    pub async fn tls(environment: &Environment) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let mut roots = tempfile::NamedTempFile::new()?;
        roots.write_all(made.cert.pem().as_bytes())?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        Self::start(environment, Some((TlsAcceptor::from(Arc::new(tls)), roots))).await
    }

    async fn start(
        environment: &Environment,
        tls: Option<(TlsAcceptor, tempfile::NamedTempFile)>,
    ) -> anyhow::Result<Self> {
        let org: SocketAddr = environment.org.trim_start_matches("http://").parse()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let host = format!("{scheme}://{}", listener.local_addr()?);
        let (acceptor, roots) = tls.unzip();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = bytes.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), counted.clone());
                tokio::spawn(async move {
                    near.set_nodelay(true)?;
                    match acceptor {
                        Some(acceptor) => pass(acceptor.accept(near).await?, org, &counted).await,
                        None => pass(near, org, &counted).await,
                    }
                });
            }
        });
        let mut variables = environment.variables.clone();
        variables.retain(|(name, _)| name != "SF_HOST");
        variables.push(("SF_HOST".to_owned(), host));
        variables.extend(
            roots.iter().map(|f| ("SSL_CERT_FILE".to_owned(), f.path().to_string_lossy().into_owned())),
        );
        Ok(Self { variables, bytes, task, _roots: roots })
    }

    /// Bytes of both directions so far, before TLS.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut near: impl AsyncRead + AsyncWrite + Unpin,
    org: SocketAddr,
    counted: &AtomicU64,
) -> std::io::Result<()> {
    let mut far = TcpStream::connect(org).await?;
    far.set_nodelay(true)?;
    let (mut up, mut down) = (vec![0; 1 << 14], vec![0; 1 << 14]);
    loop {
        let read = tokio::select! {
            read = near.read(&mut up) => {
                let read = read?;
                far.write_all(&up[..read]).await?;
                read
            }
            read = far.read(&mut down) => {
                let read = read?;
                near.write_all(&down[..read]).await?;
                near.flush().await?;
                read
            }
        };
        if read == 0 {
            return Ok(());
        }
        counted.fetch_add(read as u64, Ordering::Relaxed);
    }
}
