package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// handshakeTimeout bounds how long connecting may take, the handshake included.
const handshakeTimeout = 10 * time.Second

// Certificates names the PEM files of a client that says who it is by a certificate.
type Certificates struct {
	CertFile string // the client's own, with the chain to the authority
	KeyFile  string // its private key
	CAFile   string // authorities of the server's certificate; empty for those of the system
}

// WithCertificates shows a client certificate on https:// connections, TLS 1.3. The files are read for
// each new connection, so that renewed ones need no restart; what cannot be read, such as a file half
// written, leaves those before in use. Environment proxies are not used.
func WithCertificates(files Certificates) Option {
	return func(o *options) { o.certificates = &certificates{files: files} }
}

type certificates struct {
	files Certificates

	mu   sync.Mutex
	last *tls.Config // that was read well; nil when none was
}

// apply makes a transport connect with the certificates. It fails when they cannot be read.
func (c *certificates) apply(transport *http.Transport) error {
	if _, err := c.config(); err != nil {
		return err
	}
	transport.Proxy = nil
	transport.DialTLSContext = c.dial
	return nil
}

func (c *certificates) dial(ctx context.Context, network, address string) (net.Conn, error) {
	config, err := c.config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	return (&tls.Dialer{NetDialer: &net.Dialer{KeepAlive: 15 * time.Second}, Config: config}).DialContext(ctx, network, address)
}

func (c *certificates) config() (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	config, err := c.files.read()
	if err == nil {
		c.last = config
	}
	if c.last != nil {
		return c.last, nil
	}
	return nil, err
}

func (f Certificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if f.CAFile == "" {
		return config, nil
	}
	authorities, err := os.ReadFile(f.CAFile)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("authorities: %s holds no certificate in PEM", f.CAFile)
	}
	return config, nil
}
