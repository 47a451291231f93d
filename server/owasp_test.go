package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// integration is a program of another company, let in for orders alone.
var integration = auth.Caller{ID: "key_shop", Roles: []auth.Role{auth.Staff}, Scopes: []string{"orders.v1.OrderService"}}

// attack is a server with a customer's order in it, and those who are after it.
type attack struct {
	*servertest.Server
	e                             *examples
	order                         *ordersv1.Order // of the owner
	owner, stranger, key, outside servertest.Clients
}

// TestOWASP tries each item of the OWASP API Security Top 10 (2023) against a running server.
// docs/security.md tells the results by the names of these tests.
func TestOWASP(t *testing.T) {
	e := newExamples(t, func(c *config.Config) { c.Server.SecurityContact = "mailto:security@shop.example" })
	s := e.s
	a := &attack{Server: s, e: e, owner: s.As(owner), stranger: s.As(stranger), key: s.As(integration), outside: s.As(auth.Caller{})}
	a.order = e.order(true) // no saga touches it
	for _, item := range []struct {
		name string
		try  func(*testing.T, *attack)
	}{
		{"API1 broken object level authorization", tryOthersObjects},
		{"API2 broken authentication", tryNoCredentials},
		{"API3 broken object property level authorization", tryProperties},
		{"API4 unrestricted resource consumption", tryResources},
		{"API5 broken function level authorization", tryFunctions},
		{"API6 unrestricted access to sensitive business flows", tryFlows},
		{"API7 server side request forgery", tryForgery},
		{"API8 security misconfiguration", tryMisconfiguration},
		{"API9 improper inventory management", tryInventory},
		{"API10 unsafe consumption of APIs", tryConsumption},
	} {
		t.Run(item.name, func(t *testing.T) { item.try(t, a) })
	}
	t.Run("docs/security.md tells of each", func(t *testing.T) {
		text, err := os.ReadFile("../docs/security.md")
		require.NoError(t, err)
		for i := 1; i <= 10; i++ {
			require.Contains(t, string(text), fmt.Sprintf("| API%d ", i))
		}
	})
}

func tryOthersObjects(t *testing.T, a *attack) {
	t.Run("another's order is answered exactly as one that does not exist", func(t *testing.T) {
		get := func(orderID string) string {
			_, err := a.stranger.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			require.Error(t, err)
			return fmt.Sprint(connect.CodeOf(err), reasonOf(t, err), err)
		}
		require.Equal(t, get(newOrderID()), get(a.order.GetId()))
	})
	t.Run("a change is refused, and nothing happens", func(t *testing.T) {
		_, err := a.stranger.Orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: a.order.GetId(), RequestId: "stolen"})
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err))
		_, err = a.stranger.Orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
			Order: &ordersv1.Order{Id: a.order.GetId(), Note: "mine"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}, RequestId: "stolen",
		})
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err))
		got, err := a.owner.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: a.order.GetId()})
		require.NoError(t, err)
		require.Equal(t, "1", got.GetOrder().GetEtag())
	})
	t.Run("the request of another, sent again, does not give their answer", func(t *testing.T) {
		mine := a.e.order(false)
		request := &ordersv1.CancelOrderRequest{OrderId: mine.GetId(), RequestId: "replayed"}
		_, err := a.owner.Orders.CancelOrder(t.Context(), request)
		require.NoError(t, err)
		_, err = a.stranger.Orders.CancelOrder(t.Context(), request)
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err))
		_, err = a.stranger.Orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: mine.GetId(), RequestId: "replayed", Reason: "other"})
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err), "that the request id is taken must not show either")
	})
	t.Run("lists hold what is the caller's, by any filter", func(t *testing.T) {
		own := create(t, a.Server, &ordersv1.CreateOrderRequest{Order: cart(stranger.CustomerID), Draft: true, RequestId: "own"})
		for _, filter := range []*ordersv1.OrderFilter{nil, {}, {CustomerId: stranger.CustomerID}, {Lifecycle: ordersv1.Lifecycle_LIFECYCLE_DRAFT}} {
			list, err := a.stranger.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{Filter: filter})
			require.NoError(t, err)
			require.Len(t, list.GetOrders(), 1, "%v", filter)
			require.Equal(t, own.GetId(), list.GetOrders()[0].GetId())
		}
		returns, err := a.stranger.Returns.ListReturns(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, returns.GetReturns())
	})
	t.Run("payments of another's order are none", func(t *testing.T) {
		payment, err := a.Payments.AuthorizePayment(t.Context(), a.e.authorize())
		require.NoError(t, err)
		for _, filter := range []*paymentsv1.PaymentFilter{nil, {OrderId: payment.GetPayment().GetOrderId()}, {State: paymentsv1.PaymentState_PAYMENT_STATE_AUTHORIZED}} {
			list, err := a.stranger.Payments.ListPayments(t.Context(), &paymentsv1.ListPaymentsRequest{Filter: filter})
			require.NoError(t, err)
			require.Empty(t, list.GetPayments())
			list, err = a.owner.Payments.ListPayments(t.Context(), &paymentsv1.ListPaymentsRequest{Filter: filter})
			require.NoError(t, err)
			require.NotEmpty(t, list.GetPayments())
		}
	})
	t.Run("another's page token is no token", func(t *testing.T) {
		a.e.order(false)
		page, err := a.owner.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{PageSize: 1})
		require.NoError(t, err)
		require.NotEmpty(t, page.GetNextPageToken())
		_, err = a.stranger.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{PageSize: 1, PageToken: page.GetNextPageToken()})
		require.Equal(t, fault.ReasonInvalidPageToken, reasonOf(t, err))
	})
}

func tryNoCredentials(t *testing.T, a *attack) {
	call := func(change func(*http.Request)) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/orders.v1.OrderService/ListOrders", strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		change(request)
		response, err := a.outside.HTTP.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	token := a.Token(auth.Caller{ID: "usr_1", Roles: []auth.Role{auth.Staff}})
	for name, header := range map[string]http.Header{
		"nothing":              {},
		"a guess":              {"Authorization": {"Bearer guess"}},
		"another scheme":       {"Authorization": {"Basic " + token}},
		"no scheme":            {"Authorization": {token}},
		"two tokens":           {"Authorization": {"Bearer " + token}, "X-Api-Key": {token}},
		"a cookie":             {"Cookie": {"Authorization=" + token}},
		"a proxy's word":       {"X-Forwarded-User": {"usr_1"}, "X-Remote-User": {"usr_1"}},
		"a proxy's client":     {"X-Forwarded-Client-Cert": {"URI=spiffe://orderprocessing.internal/orders"}},
		"half a token":         {"Authorization": {"Bearer " + token[:len(token)/2]}},
		"a token in lowercase": {"Authorization": {"Bearer " + strings.ToLower(token)}},
	} {
		t.Run(name+" is refused, with a challenge", func(t *testing.T) {
			response := call(func(r *http.Request) { r.Header = header; r.Header.Set("Content-Type", "application/json") })
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
			require.Contains(t, response.Header.Get("WWW-Authenticate"), "Bearer")
		})
	}
	t.Run("a token in the address is refused", func(t *testing.T) {
		response := call(func(r *http.Request) { r.URL.RawQuery = "access_token=" + token })
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.NotContains(t, a.Logs.String(), token)
	})
}

func tryProperties(t *testing.T, a *attack) {
	t.Run("what a caller may not set is not taken from the request", func(t *testing.T) {
		wish := cart("")
		wish.Id, wish.TotalMinor, wish.SubtotalMinor, wish.Etag = a.order.GetId(), 1, 1, "99"
		wish.Lifecycle, wish.PaymentStatus = ordersv1.Lifecycle_LIFECYCLE_CONFIRMED, ordersv1.PaymentStatus(3)
		created, err := a.owner.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: wish, RequestId: "mass"})
		require.NoError(t, err)
		o := created.GetOrder()
		require.NotEqual(t, a.order.GetId(), o.GetId())
		require.EqualValues(t, 910, o.GetTotalMinor())
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, o.GetLifecycle())
		require.Equal(t, a.order.GetPaymentStatus(), o.GetPaymentStatus())
		require.Equal(t, owner.CustomerID, o.GetCustomerId())
	})
	for _, path := range []string{"customer_id", "lifecycle", "payment_status", "total_minor", "source", "*"} {
		t.Run(path+" cannot be edited", func(t *testing.T) {
			_, err := a.owner.Orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
				Order: &ordersv1.Order{Id: a.order.GetId()}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}}, RequestId: "mask",
			})
			require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), "%v", err)
		})
	}
}

func tryResources(t *testing.T, a *attack) {
	post := func(t *testing.T, encoding string, body io.Reader) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/orders.v1.OrderService/CreateOrder", body)
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		if encoding != "" {
			request.Header.Set("Content-Encoding", encoding)
		}
		response, err := a.outside.HTTP.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	t.Run("a message that is too large is refused", func(t *testing.T) {
		require.Equal(t, http.StatusTooManyRequests, post(t, "", strings.NewReader(strings.Repeat(" ", 2<<20))))
	})
	t.Run("a message that grows too large is refused", func(t *testing.T) {
		var bomb bytes.Buffer
		w := gzip.NewWriter(&bomb)
		_, err := w.Write(make([]byte, 64<<20))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.Equal(t, http.StatusTooManyRequests, post(t, "gzip", &bomb))
	})
	t.Run("a page that is too large is refused", func(t *testing.T) {
		for _, size := range []int32{501, 1 << 30, -1} {
			_, err := a.owner.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{PageSize: size})
			require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
		}
	})
	t.Run("an order that is too long is refused", func(t *testing.T) {
		order := cart("")
		for len(order.Lines) <= 1_000 {
			order.Lines = append(order.Lines, &ordersv1.Line{Sku: "a", Quantity: 1})
		}
		_, err := a.owner.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: order, RequestId: "long"})
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
	})
}

func tryFunctions(t *testing.T, a *attack) {
	t.Run("a customer may not do what staff does, nor an integration what its key is not for", func(t *testing.T) {
		authorize := a.e.authorize()
		_, err := a.owner.Payments.AuthorizePayment(t.Context(), authorize)
		require.Equal(t, fault.ReasonRoleMissing, reasonOf(t, err))
		_, err = a.key.Payments.AuthorizePayment(t.Context(), authorize)
		require.Equal(t, fault.ReasonScopeMissing, reasonOf(t, err))
		_, err = a.key.Identity.RegisterUser(t.Context(), &identityv1.RegisterUserRequest{
			Email: "mallory@example.com", Password: password, CustomerId: owner.CustomerID, RequestId: "mallory",
		})
		require.Equal(t, fault.ReasonCustomerRefused, reasonOf(t, err), "anyone may register, but this takes more than a key for orders")
		_, err = a.key.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: a.order.GetId()})
		require.NoError(t, err)
	})
	t.Run("another method of HTTP, or another spelling, is no way in", func(t *testing.T) {
		for _, way := range []struct{ method, path string }{
			{http.MethodGet, "/payments.v1.PaymentService/RefundPayment?message={}&encoding=json&connect=v1"},
			{http.MethodPut, "/payments.v1.PaymentService/RefundPayment"},
			{http.MethodPost, "/payments.v1.PaymentService/refundpayment"},
			{http.MethodPost, "/payments.v1.PaymentService/RefundPayment/"},
			{http.MethodPost, "//payments.v1.PaymentService/RefundPayment"},
			{http.MethodPost, "/x/../payments.v1.PaymentService/RefundPayment"},
			{http.MethodPost, "/payments.v1.PaymentService%2FRefundPayment"},
		} {
			request, err := http.NewRequestWithContext(t.Context(), way.method, a.URL+way.path, strings.NewReader("{}"))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/json")
			client := *a.owner.HTTP
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			response, err := client.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.GreaterOrEqual(t, response.StatusCode, 300, "%v", way)
		}
	})
}

func tryFlows(t *testing.T, a *attack) {
	t.Run("an order is placed in one's own name alone", func(t *testing.T) {
		_, err := a.stranger.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart(owner.CustomerID), RequestId: "for-you"})
		require.Equal(t, fault.ReasonCustomerNotYours, reasonOf(t, err))
	})
	t.Run("a request that is sent many times is done once", func(t *testing.T) {
		request := &ordersv1.CreateOrderRequest{Order: cart(""), RequestId: "once"}
		first, err := a.owner.Orders.CreateOrder(t.Context(), request)
		require.NoError(t, err)
		again, err := a.owner.Orders.CreateOrder(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, first.GetOrder().GetId(), again.GetOrder().GetId())
	})
	t.Run("the request id of one customer is nothing to another", func(t *testing.T) {
		mine, err := a.owner.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart(""), RequestId: "shared"})
		require.NoError(t, err)
		theirs, err := a.stranger.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart(""), RequestId: "shared"})
		require.NoError(t, err)
		require.NotEqual(t, mine.GetOrder().GetId(), theirs.GetOrder().GetId())
		require.Equal(t, stranger.CustomerID, theirs.GetOrder().GetCustomerId())
	})
}

func tryForgery(t *testing.T, a *attack) {
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	t.Run("an address in a request is never visited", func(t *testing.T) {
		request := a.e.authorize()
		request.ReturnUrl = inside.URL
		_, err := a.Payments.AuthorizePayment(t.Context(), request)
		require.NoError(t, err)
		order := cart("")
		order.Note = inside.URL
		_, err = a.owner.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: order, RequestId: "url"})
		require.NoError(t, err)
		require.Zero(t, asked.Load())
	})
}

func tryMisconfiguration(t *testing.T, a *attack) {
	get := func(t *testing.T, method, path string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, nil)
		require.NoError(t, err)
		request.Header.Set("Origin", "https://evil.example")
		response, err := a.outside.HTTP.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(body)
	}
	t.Run("every answer has the headers", func(t *testing.T) {
		for _, path := range []string{"/", "/orders.v1.OrderService/GetOrder", "/grpc.health.v1.Health/Check", "/.well-known/security.txt"} {
			response, _ := get(t, http.MethodGet, path)
			require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), path)
			require.Equal(t, "default-src 'none'; frame-ancestors 'none'", response.Header.Get("Content-Security-Policy"), path)
			require.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"), path)
			require.Empty(t, response.Header.Get("Server"), path)
			require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), path)
		}
	})
	t.Run("what is for operators is not on this port", func(t *testing.T) {
		for _, path := range []string{"/debug/pprof/", "/metrics", "/livez", "/.git/config", "/config.yaml", "/..%2f..%2fetc%2fpasswd"} {
			response, _ := get(t, http.MethodGet, path)
			require.Equal(t, http.StatusNotFound, response.StatusCode, path)
		}
		response, _ := get(t, http.MethodTrace, "/")
		require.Equal(t, http.StatusNotFound, response.StatusCode)
	})
	t.Run("whom to tell is published", func(t *testing.T) {
		response, text := get(t, http.MethodGet, "/.well-known/security.txt")
		require.Equal(t, "text/plain; charset=utf-8", response.Header.Get("Content-Type"))
		require.Regexp(t, `^Contact: mailto:security@shop\.example\nExpires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\nPreferred-Languages: en\n$`, text)
		none := servertest.Start(t)
		missing, err := none.HTTP.Get(none.URL + "/.well-known/security.txt") //nolint:noctx // short
		require.NoError(t, err)
		require.NoError(t, missing.Body.Close())
		require.Equal(t, http.StatusNotFound, missing.StatusCode)
	})
	t.Run("the contract is for staff to ask for, health for everyone", func(t *testing.T) {
		list := func(c servertest.Clients, url string) error {
			stream := grpcreflect.NewClient(c.HTTP, url, connect.WithGRPC()).NewStream(t.Context())
			defer func() { _, _ = stream.Close() }()
			_, err := stream.ListServices()
			return err
		}
		require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(list(a.outside, a.URL)))
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(list(a.owner, a.URL)))
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(list(a.key, a.URL)))
		require.NoError(t, list(a.Clients, a.URL))
		opened := servertest.Start(t, func(c *config.Config) { c.Server.OpenReflection = true })
		require.NoError(t, list(opened.As(auth.Caller{}), opened.URL))

		health, err := a.WithToken("expired").HTTP.Post(a.URL+"/grpc.health.v1.Health/Check", "application/json", strings.NewReader("{}")) //nolint:noctx // short
		require.NoError(t, err)
		require.NoError(t, health.Body.Close())
		require.Equal(t, http.StatusOK, health.StatusCode)
	})
}

func tryInventory(t *testing.T, a *attack) {
	t.Run("every method of every service is in the published table", func(t *testing.T) {
		published, err := os.ReadFile(permissionsFile)
		require.NoError(t, err)
		for _, service := range servicesOfContract() {
			_, section, found := strings.Cut(string(published), "## "+string(service.FullName())+"\n")
			require.True(t, found, service.FullName())
			for i := range service.Methods().Len() {
				require.Contains(t, section, "| "+string(service.Methods().Get(i).Name())+" |")
			}
		}
	})
	t.Run("what is not in the contract is not there", func(t *testing.T) {
		for _, path := range []string{"/orders.v1.OrderService/DeleteOrder", "/orders.v0.OrderService/GetOrder", "/orders.v1beta1.OrderService/GetOrder", "/admin", "/v1/orders"} {
			response, err := a.HTTP.Post(a.URL+path, "application/json", strings.NewReader("{}")) //nolint:noctx // short
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusNotFound, response.StatusCode, path)
		}
	})
}

func tryConsumption(t *testing.T, a *attack) {
	t.Run("nobody speaks for the payment gateway without its signature, whoever they are", func(t *testing.T) {
		for _, clients := range []servertest.Clients{a.outside, a.owner, a.key, a.Clients} {
			response, err := clients.HTTP.Post(a.URL+"/webhooks/payments/simulator", "application/json", strings.NewReader(`{"id":"evt_1"}`)) //nolint:noctx // short
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		}
	})
}
