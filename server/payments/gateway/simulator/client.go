package simulator

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

const defaultTimeout = 10 * time.Second

// ClientOptions say how to speak with a simulator.
type ClientOptions struct {
	APIKey         string
	WebhookSecrets []string          // any may have signed a webhook; two while one is being rotated
	Timeout        time.Duration     // of one request; 0 means 10 s
	Transport      http.RoundTripper // nil means one of its own
	// Around is put around the transport, such as to trace; nil for nothing.
	Around func(http.RoundTripper) http.RoundTripper
	Now    func() time.Time
}

// Gateway speaks with a simulator over HTTP. It implements gateway.Gateway.
type Gateway struct {
	base    string
	options ClientOptions
	client  *http.Client
	settle  time.Duration
}

var _ gateway.Gateway = (*Gateway)(nil)

// NewGateway speaks with the simulator at a URL such as http://127.0.0.1:8090.
func NewGateway(baseURL string, options ClientOptions) *Gateway {
	if options.Timeout == 0 {
		options.Timeout = defaultTimeout
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Transport == nil {
		options.Transport = &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512, IdleConnTimeout: time.Minute}
	}
	if options.Around != nil {
		options.Transport = options.Around(options.Transport)
	}
	return &Gateway{
		base: strings.TrimRight(baseURL, "/"), options: options,
		client: &http.Client{
			Transport:     options.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// A request that was sent is not begun any more after its deadline; clocks differ a little.
		settle: 2 * options.Timeout,
	}
}

// Gateway speaks with this simulator without a network. Inquiries are exact at once.
func (s *Simulator) Gateway(options ClientOptions) *Gateway {
	options.Transport = local{s.handler}
	if options.Now == nil {
		options.Now = s.options.Now
	}
	if options.APIKey == "" {
		options.APIKey = s.options.APIKey
	}
	if options.WebhookSecrets == nil {
		options.WebhookSecrets = []string{s.options.WebhookSecret}
	}
	g := NewGateway("http://gateway.invalid", options)
	g.settle = 0
	return g
}

// Close ends idle connections.
func (g *Gateway) Close() { g.client.CloseIdleConnections() }

// Authorize reserves an amount.
func (g *Gateway) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	return g.operate(ctx, operationRequest{
		Operation: gateway.OperationAuthorize, Key: r.Key, Payment: r.Payment, Amount: r.Amount, Currency: r.Currency,
		Method: r.Method, ReturnURL: r.ReturnURL, Metadata: r.Metadata,
	})
}

// Capture takes what is reserved.
func (g *Gateway) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	return g.operate(ctx, operationRequest{
		Operation: gateway.OperationCapture, Key: r.Key, Payment: r.Payment, Authorization: string(r.Authorization),
		Amount: r.Amount, Currency: r.Currency, Final: r.Final,
	})
}

// Void releases what is reserved.
func (g *Gateway) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	return g.operate(ctx, operationRequest{
		Operation: gateway.OperationVoid, Key: r.Key, Payment: r.Payment, Authorization: string(r.Authorization),
	})
}

// Refund gives back what was captured.
func (g *Gateway) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	return g.operate(ctx, operationRequest{
		Operation: gateway.OperationRefund, Key: r.Key, Payment: r.Payment, Authorization: string(r.Authorization),
		Amount: r.Amount, Currency: r.Currency,
	})
}

func (g *Gateway) operate(ctx context.Context, q operationRequest) (gateway.Result, error) {
	var m resultMessage
	if err := g.call(ctx, http.MethodPost, pathOperations, nil, &q, &m); err != nil {
		return gateway.Result{}, err
	}
	return m.toResult(), nil
}

// Inquire tells what became of an operation. Over a network the simulator's "never" counts only
// after the request's deadline: until then it may still arrive.
func (g *Gateway) Inquire(ctx context.Context, r gateway.InquireRequest) (gateway.Inquiry, error) {
	asked := g.options.Now()
	var m inquiryMessage
	if err := g.call(ctx, http.MethodGet, pathOperations, url.Values{"key": {string(r.Key)}}, nil, &m); err != nil {
		return gateway.Inquiry{}, err
	}
	if m.Fate == gateway.FateNeverHappened && asked.Before(r.SentAt.Add(g.settle)) {
		return gateway.Inquiry{Fate: gateway.FateInProgress}, nil
	}
	inquiry := gateway.Inquiry{Fate: m.Fate}
	if m.Result != nil {
		inquiry.Result = m.Result.toResult()
	}
	return inquiry, nil
}

// Ledger gives a page of the simulator's ledger, in the order in which it happened.
func (g *Gateway) Ledger(ctx context.Context, r gateway.LedgerRequest) (gateway.LedgerPage, error) {
	query := url.Values{}
	if !r.Since.IsZero() {
		query.Set("since", strconv.FormatInt(r.Since.UnixMicro(), 10))
	}
	if r.Cursor != "" {
		query.Set("cursor", r.Cursor)
	}
	if r.Limit > 0 {
		query.Set("limit", strconv.Itoa(r.Limit))
	}
	var m ledgerMessage
	if err := g.call(ctx, http.MethodGet, pathMovements, query, nil, &m); err != nil {
		return gateway.LedgerPage{}, err
	}
	page := gateway.LedgerPage{Next: m.Next, Movements: make([]gateway.Movement, 0, len(m.Movements))}
	for _, line := range m.Movements {
		page.Movements = append(page.Movements, gateway.Movement{
			ID: line.ID, Kind: line.Kind, Key: line.Key, Payment: line.Payment, Amount: line.Amount, Currency: line.Currency,
			Authorization: gateway.AuthorizationID(line.Authorization), At: timeOf(line.AtMicro),
		})
	}
	return page, nil
}

func (m *resultMessage) toResult() gateway.Result {
	return gateway.Result{
		Outcome: m.Outcome, Authorization: gateway.AuthorizationID(m.Authorization), Movement: m.Movement, Amount: m.Amount,
		Currency: m.Currency, Decline: m.Decline, RedirectURL: m.RedirectURL, ExpiresAt: timeOf(m.ExpiresMicro),
	}
}
