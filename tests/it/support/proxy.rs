//! A way out of the network that knows one host: tunnels of HTTPS end here, under an authority of
//! the test's own.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// A file with the authority, for `SSL_CERT_FILE`.
    pub(crate) roots: PathBuf,
    _directory: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Tunnels to `host` end at `target`, decrypted; without a target no host is found.
    pub(crate) async fn start(host: &str, target: Option<SocketAddr>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let roots = directory.path().join("roots.pem");
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(&roots, authority.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let connect = format!("CONNECT {host}:443 ");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, connect.clone(), target, acceptor.clone()));
            }
        });
        Self { address, roots, _directory: directory, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client that goes away in the middle ends its tunnel; that is no fault of the test.
async fn tunnel(
    mut client: TcpStream,
    connect: String,
    target: Option<SocketAddr>,
    acceptor: TlsAcceptor,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let Some(target) = target.filter(|_| head.starts_with(connect.as_bytes())) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await.ok();
    };
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    let mut plain = acceptor.accept(client).await.ok()?;
    let mut server = TcpStream::connect(target).await.ok()?;
    copy_bidirectional(&mut plain, &mut server).await.ok().map(drop)
}
