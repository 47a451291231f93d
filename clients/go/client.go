// Package client calls a server of orderprocessing. It adds to the generated Connect clients what
// every caller needs: one pooled transport, a deadline, request ids, and retries where the contract
// says that they are safe. What a call means stands in the contract, not here.
package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
)

// Client calls the services of one server. It is safe for concurrent use, and meant to be made once
// and kept: connections and the budget of retries are shared by all its calls.
//
// The messages of a call are never changed, see [New].
type Client struct {
	// Orders takes orders and tells of them.
	Orders ordersv1connect.OrderServiceClient
	// Shipments sends the goods of orders.
	Shipments ordersv1connect.ShipmentServiceClient
	// Returns takes goods back.
	Returns ordersv1connect.ReturnServiceClient
	// Inventory keeps products and their stock.
	Inventory inventoryv1connect.InventoryServiceClient
	// Payments moves the money of orders.
	Payments paymentsv1connect.PaymentServiceClient
	// Identity logs users in, and keeps users and API keys.
	Identity identityv1connect.IdentityServiceClient
	// Operations tells operators how the server fares.
	Operations operationsv1connect.OperationsServiceClient

	calls *calls
	idle  func() // closes idle connections; nil when they are the caller's own
}

// New makes a client of the server at baseURL, which starts with http:// or https://. It does not
// connect: a server that is down shows in the first call, as Unavailable. http:// means HTTP/2 without
// TLS, with prior knowledge, since streams in both directions need HTTP/2.
//
// A unary call
//   - whose context has no deadline gets one, see [WithTimeout]; it spans all tries of the call;
//   - whose request_id is empty is sent with a new one, the same in each try. It is put into a copy:
//     a message that is used for two calls makes two orders. Who repeats a call after it failed for
//     good sets request_id before the first time;
//   - is tried up to five times, as long as the method is idempotent by its contract, the error is one
//     that passes, and the deadline and the budget of the client allow it. The waits double from 50 ms
//     to 2 s and are jittered in full; a wait that the server names is kept.
//
// Streams get none of that but the token: their position is known to the caller alone. [Client.Watch]
// goes on after its stream has ended.
func New(baseURL string, opts ...Option) (*Client, error) {
	target, err := parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL %q: %w", baseURL, err)
	}
	o := options{timeout: defaultTimeout, tries: retry.MaxTries, wait: sleep}
	for _, opt := range opts {
		opt(&o)
	}
	httpClient, idle, err := o.transport(target)
	if err != nil {
		return nil, err
	}
	each := &calls{
		token:   o.token,
		timeout: o.timeout,
		tries:   o.tries,
		budget:  retry.NewBudget(),
		wait:    o.wait,
	}
	settings := append(o.protocol, connect.WithInterceptors(each))
	if o.written != nil {
		settings = append(settings, connect.WithInterceptors(o.written))
	}
	root := strings.TrimRight(target.String(), "/")
	return &Client{
		Orders:     ordersv1connect.NewOrderServiceClient(httpClient, root, settings...),
		Shipments:  ordersv1connect.NewShipmentServiceClient(httpClient, root, settings...),
		Returns:    ordersv1connect.NewReturnServiceClient(httpClient, root, settings...),
		Inventory:  inventoryv1connect.NewInventoryServiceClient(httpClient, root, settings...),
		Payments:   paymentsv1connect.NewPaymentServiceClient(httpClient, root, settings...),
		Identity:   identityv1connect.NewIdentityServiceClient(httpClient, root, settings...),
		Operations: operationsv1connect.NewOperationsServiceClient(httpClient, root, settings...),
		calls:      each,
		idle:       idle,
	}, nil
}

// Close closes the connections that no call is using. Calls go on, and later ones open new
// connections. It leaves a client that came by [WithHTTPClient] alone.
func (c *Client) Close() {
	if c.idle != nil {
		c.idle()
	}
}

func parse(baseURL string) (*url.URL, error) {
	target, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return nil, err.(*url.Error).Err //nolint:errorlint // url.Parse promises it; its text repeats the URL
	case target.Scheme != "http" && target.Scheme != "https":
		return nil, fmt.Errorf("it must start with http:// or https://")
	case target.Hostname() == "":
		return nil, fmt.Errorf("it names no host")
	case target.User != nil:
		return nil, fmt.Errorf("credentials do not belong there; use WithToken")
	case target.RawQuery != "" || target.Fragment != "":
		return nil, fmt.Errorf("it must end with the path")
	}
	return target, nil
}

// transport gives what sends the requests.
func (o *options) transport(target *url.URL) (connect.HTTPClient, func(), error) {
	switch {
	case o.http != nil && (o.tls != nil || o.certificates != nil):
		return nil, nil, fmt.Errorf("WithTLSConfig and WithCertificates have no effect on the client of WithHTTPClient: set it there")
	case o.tls != nil && o.certificates != nil:
		return nil, nil, fmt.Errorf("WithTLSConfig and WithCertificates exclude each other")
	case o.http != nil:
		return o.http, nil, nil
	case (o.tls != nil || o.certificates != nil) && target.Scheme != "https":
		return nil, nil, fmt.Errorf("WithTLSConfig and WithCertificates need an https:// base URL, not %q", target)
	}
	transport := newTransport(target.Scheme == "https", o.tls)
	if o.certificates != nil {
		if err := o.certificates.apply(transport); err != nil {
			return nil, nil, err
		}
	}
	return &http.Client{
		Transport: transport,
		// An API never redirects; following one could carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, transport.CloseIdleConnections, nil
}
