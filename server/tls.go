package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// certificateCheckEvery is how often, at most, the files are looked at.
const certificateCheckEvery = 2 * time.Second

// certificate is the certificate of the API port. It is read again, at a handshake, when its files
// have changed; a pair that does not fit, such as one half written, leaves the one before in use.
type certificate struct {
	files  config.TLS
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	state   [2]fileState // of the files that current, or the last failure, came from
	checked time.Time
}

type fileState struct {
	modified time.Time
	bytes    int64
}

// newTLSConfig loads the certificate. It fails when there is none to start with.
func newTLSConfig(files config.TLS, logger *slog.Logger, now func() time.Time) (*tls.Config, error) {
	c := &certificate{files: files, logger: logger, now: now}
	state, err := c.stat()
	if err != nil {
		return nil, err
	}
	if err := c.load(state); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= certificateCheckEvery {
		c.checked = now
		state, err := c.stat()
		if err == nil && state != c.state {
			if err = c.load(state); err == nil {
				c.logger.Info("certificate reloaded", slog.String(telemetry.LogFile, c.files.CertFile))
			}
		}
		if err != nil {
			c.logger.Error("certificate not reloaded, the one before stays in use", slog.Any(telemetry.LogError, err))
		}
	}
	return c.current, nil
}

func (c *certificate) load(state [2]fileState) error {
	c.state = state
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("load certificate %s: %w", c.files.CertFile, err)
	}
	c.current = &pair
	return nil
}

func (c *certificate) stat() (state [2]fileState, err error) {
	for i, name := range []string{c.files.CertFile, c.files.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return state, fmt.Errorf("certificate: %w", err)
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}
