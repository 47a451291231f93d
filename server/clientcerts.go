package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// trust is whose client certificates are taken, and which of them no more.
type trust struct {
	pool        *x509.CertPool
	authorities []*x509.Certificate
	revoked     map[serial]bool
}

// serial names a certificate: an authority gives each number once.
type serial struct{ issuer, number string }

// withClients adds to a TLS config that callers may, or must, show a certificate. Sessions are not
// resumed: each connection is checked against the authorities and the revocations of its time.
func withClients(cfg *tls.Config, files config.TLS, logger *slog.Logger, now func() time.Time) (*tls.Config, error) {
	names := []string{files.ClientCAFile}
	if files.CRLFile != "" {
		names = append(names, files.CRLFile)
	}
	trusted, err := reload(func() (*trust, error) { return readTrust(files, logger, now) }, logger, now, names...)
	if err != nil {
		return nil, err
	}
	cfg.MinVersion = tls.VersionTLS13
	cfg.SessionTicketsDisabled = true
	cfg.ClientAuth = tls.VerifyClientCertIfGiven
	if files.ClientAuth == config.ClientAuthRequire {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	each := cfg.Clone()
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		t := trusted.get()
		one := each.Clone()
		one.ClientCAs, one.VerifyConnection = t.pool, t.check
		return one, nil
	}
	return cfg, nil
}

var errRevoked = errors.New("the client certificate is revoked")

// check refuses a connection whose certificate, or one that vouches for it, is revoked.
func (t *trust) check(state tls.ConnectionState) error {
	for _, chain := range state.VerifiedChains {
		for _, certificate := range chain {
			if t.revoked[serial{string(certificate.RawIssuer), certificate.SerialNumber.String()}] {
				return errRevoked
			}
		}
	}
	return nil
}

func readTrust(files config.TLS, logger *slog.Logger, now func() time.Time) (*trust, error) {
	t := &trust{pool: x509.NewCertPool(), revoked: map[serial]bool{}}
	err := eachBlock(files.ClientCAFile, "CERTIFICATE", func(der []byte) error {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		t.pool.AddCert(certificate)
		t.authorities = append(t.authorities, certificate)
		return nil
	})
	if err != nil || files.CRLFile == "" {
		return t, err
	}
	return t, eachBlock(files.CRLFile, "X509 CRL", func(der []byte) error {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return err
		}
		if list.NextUpdate.Before(now()) {
			logger.Warn("the list of revoked certificates is out of date; it is used all the same", slog.String(telemetry.LogFile, files.CRLFile))
		}
		return t.revoke(list)
	})
}

// revoke takes a list that an authority has signed.
func (t *trust) revoke(list *x509.RevocationList) error {
	for _, authority := range t.authorities {
		if list.CheckSignatureFrom(authority) != nil {
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			t.revoked[serial{string(list.RawIssuer), entry.SerialNumber.String()}] = true
		}
		return nil
	}
	return errors.New("no authority of client certificates has signed it")
}

// eachBlock takes the PEM blocks of a file, of which there must be one at least.
func eachBlock(name, kind string, take func(der []byte) error) error {
	rest, err := os.ReadFile(name) //nolint:gosec // a file that the operator named
	if err != nil {
		return err
	}
	found := false
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != kind {
			continue
		}
		found = true
		if err := take(block.Bytes); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !found {
		return fmt.Errorf("%s holds no %s in PEM", name, kind)
	}
	return nil
}
