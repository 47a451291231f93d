package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
)

// newTLSConfig loads what the API port needs to speak TLS: its certificate, and whose certificates it
// takes from callers, if any. It fails when there is nothing to start with.
func newTLSConfig(files config.TLS, logger *slog.Logger, now func() time.Time) (*tls.Config, error) {
	own, err := reload(func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load certificate %s: %w", files.CertFile, err)
		}
		return &pair, nil
	}, logger, now, files.CertFile, files.KeyFile)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"}, // net/http does not add them to what withClients gives a connection
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get(), nil },
	}
	if files.ClientCAFile == "" {
		return cfg, nil
	}
	return withClients(cfg, files, logger, now)
}
