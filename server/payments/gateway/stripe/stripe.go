// Package stripe is the gateway to Stripe: PaymentIntents that are confirmed at once and captured
// by us (capture_method=manual), through stripe-go. Retrying and breaking are left to resilient.
//
// Stripe keeps idempotency keys for a day and has no way to ask for one. So each operation also
// leaves its key in metadata, where Inquire looks: of an authorization in the PaymentIntent, found
// by search and then, because search lags, by listing what was created at the time; of a capture
// in the PaymentIntent that it is of; of a refund in the refund. A void is the state of its
// PaymentIntent.
//
// Stripe is not told whose authorization a capture, a void or a refund is of: the id alone names it.
package stripe

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// The names of our metadata.
const (
	metadataPayment = "orderprocessing_payment"
	metadataKey     = "orderprocessing_key"
)

const defaultTimeout = 30 * time.Second

// Options say how to speak with Stripe. SecretKey is needed, and WebhookSecrets for webhooks.
type Options struct {
	SecretKey      string        // sk_…, or better a restricted key rk_…
	WebhookSecrets []string      // whsec_…; any may have signed a webhook; two while one is being rotated
	URL            string        // of the API; empty means Stripe's
	Timeout        time.Duration // of one request; 0 means 30 s
	// SingleCapture is for accounts without multicapture: the first capture is the last, and Stripe
	// releases the rest, whatever CaptureRequest.Final says.
	SingleCapture bool
	Transport     http.RoundTripper // nil means one of its own
	// Around is put around the transport, such as to trace; nil for nothing.
	Around func(http.RoundTripper) http.RoundTripper
	Now    func() time.Time
}

// Gateway speaks with Stripe. It implements gateway.Gateway.
type Gateway struct {
	options Options
	http    *http.Client
	api     *stripe.Client
}

var _ gateway.Gateway = (*Gateway)(nil)

// New makes a gateway; it does not call Stripe yet.
func New(options Options) *Gateway {
	if options.URL == "" {
		options.URL = stripe.APIURL
	}
	if options.Timeout == 0 {
		options.Timeout = defaultTimeout
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Transport == nil {
		options.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		}
	}
	if options.Around != nil {
		options.Transport = options.Around(options.Transport)
	}
	client := &http.Client{Transport: options.Transport}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               stripe.String(options.URL),
		HTTPClient:        client,
		MaxNetworkRetries: stripe.Int64(0), // who retries must know what may be retried
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry:   stripe.Bool(false),
	})
	return &Gateway{
		options: options, http: client,
		api: stripe.NewClient(options.SecretKey, stripe.WithBackends(&stripe.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend})),
	}
}

// Close ends idle connections.
func (g *Gateway) Close() { g.http.CloseIdleConnections() }

// begin gives the context of one request, or the error of a caller that is gone already.
func (g *Gateway) begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, gateway.Temporary(0, err) // nothing was sent
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	return ctx, cancel, nil
}

// settle is how long a request may be on its way, with a margin for clocks.
func (g *Gateway) settle() time.Duration { return 2 * g.options.Timeout }
