// Package vault keeps secrets in HashiCorp Vault, or in OpenBao, which speaks the same. It stays logged in,
// renews what it was lent, and goes on with what it knows while Vault is away.
package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options say where Vault is, and how we prove who we are.
type Options struct {
	Address   string
	Namespace string // empty for the root
	CAFile    string // PEM; empty for the system's authorities
	Auth      Auth
	Logger    *slog.Logger
	Registry  prometheus.Registerer // nil counts nothing
	Transport http.RoundTripper     // nil for one over TLS; tests have their own
}

const (
	// callTimeout bounds one call of Vault.
	callTimeout = 10 * time.Second
	// firstPause and longestPause bound the time between tries while Vault is away.
	firstPause, longestPause = time.Second, 30 * time.Second
)

// Client is a Vault that we are logged in to. It implements secrets.Keeper.
type Client struct {
	options Options
	api     *api.Client
	metrics metrics

	ctx     context.Context // of what runs beside; ends with Close
	end     context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	session    context.Context // ends when we log in anew: what was lent to the token before ends with it
	endSession context.CancelFunc
	mounts     map[string]mount
	known      map[secrets.Reference]string
}

var _ secrets.Keeper = (*Client)(nil)

// New makes a client that is not logged in yet.
func New(o Options) (*Client, error) {
	client, err := newAPI(o)
	if err != nil {
		return nil, err
	}
	c := &Client{
		options: o, api: client, metrics: newMetrics(o.Registry),
		mounts: map[string]mount{}, known: map[secrets.Reference]string{},
	}
	c.ctx, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Connect logs in, once, and stays so from then on. It fails with secrets.ErrAway when Vault does not answer, or
// is sealed: then it may be called again.
func (c *Client) Connect(ctx context.Context) error {
	token, err := c.options.Auth.login(ctx, c)
	if err != nil {
		return err
	}
	c.begin(token)
	c.running.Go(func() { c.stayLoggedIn(token) })
	return nil
}

// Close ends the renewals. What was lent ends with its time, so that calls under way are not cut off.
func (c *Client) Close(context.Context) error {
	c.end()
	c.running.Wait()
	return nil
}

// Ready tells whether Vault answers and is open.
func (c *Client) Ready(ctx context.Context) error {
	health, err := c.api.Sys().HealthWithContext(ctx)
	switch {
	case err != nil:
		return c.failed("", err)
	case health.Sealed:
		return fmt.Errorf("vault at %s is sealed: %w", c.options.Address, secrets.ErrAway)
	}
	return nil
}

// newAPI takes nothing from the environment: only server/config does.
func newAPI(o Options) (*api.Client, error) {
	transport := o.Transport
	if transport == nil {
		trusted, err := authorities(o.CAFile)
		if err != nil {
			return nil, err
		}
		transport = &http.Transport{
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted},
			ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		}
	}
	client, err := api.NewClient(&api.Config{
		Address: o.Address, HttpClient: &http.Client{Transport: transport}, Timeout: callTimeout,
		MaxRetries: 1, MinRetryWait: 100 * time.Millisecond, MaxRetryWait: 500 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("build the client of Vault (vault.address): %w", err)
	}
	client.ClearToken()
	client.SetNamespace(o.Namespace)
	return client, nil
}

// authorities reads whose certificates are trusted; nil for the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // see above
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("vault.ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("vault.ca_file: %s has no certificate in it", file)
	}
	return pool, nil
}

// failed says what an error of Vault means. It names the path, and quotes nothing that Vault keeps.
func (c *Client) failed(path string, err error) error {
	at := "vault at " + c.options.Address
	if path != "" {
		at += ", " + path
	}
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		c.metrics.called(outcomeAway)
		return fmt.Errorf("%s: no answer; is it running, and is vault.address right? %w (%w)", at, secrets.ErrAway, err)
	}
	switch status := answer.StatusCode; {
	case status == http.StatusForbidden:
		c.metrics.called(outcomeDenied)
		return fmt.Errorf("%s: denied (403); the policy of our token must allow it", at)
	case status == http.StatusNotFound:
		c.metrics.called(outcomeMissing)
		return fmt.Errorf("%s: there is nothing (404)", at)
	case status == http.StatusServiceUnavailable:
		c.metrics.called(outcomeAway)
		return fmt.Errorf("%s: it is sealed or starting (503): %w", at, secrets.ErrAway)
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
		c.metrics.called(outcomeAway)
		return fmt.Errorf("%s: it answers %d: %w", at, status, secrets.ErrAway)
	default:
		c.metrics.called(outcomeDenied)
		return fmt.Errorf("%s: refused (%d): %q", at, status, answer.Errors)
	}
}

// How calls of Vault end.
const (
	outcomeOK      = "ok"
	outcomeAway    = "away"
	outcomeDenied  = "denied"
	outcomeMissing = "missing"
)

type metrics struct {
	calls  *prometheus.CounterVec
	expiry *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricVaultCalls, Help: "Calls of Vault, by outcome: ok, away, denied or missing.",
		}, []string{telemetry.LabelOutcome}),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: telemetry.MetricVaultExpiry,
			Help: "When a user that Vault made for us ends unless it is renewed, in seconds since 1970, by path; token is our own login.",
		}, []string{telemetry.LabelPath}),
	}
	for _, outcome := range []string{outcomeOK, outcomeAway, outcomeDenied, outcomeMissing} {
		m.calls.WithLabelValues(outcome)
	}
	if registry != nil {
		registry.MustRegister(m.calls, m.expiry)
	}
	return m
}

func (m metrics) called(outcome string) { m.calls.WithLabelValues(outcome).Inc() }

func (m metrics) expires(path string, at time.Time) {
	m.expiry.WithLabelValues(path).Set(float64(at.Unix()))
}
