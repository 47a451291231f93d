package main_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	createPath = "/orders.v1.OrderService/CreateOrder"
	getPath    = "/orders.v1.OrderService/GetOrder"
)

// TestBadInput holds what only the whole program can show: that the limits are those of the
// settings, and that nothing is left of what was refused. Each kind of refusal, in each protocol,
// has its test in interceptors.
func TestBadInput(t *testing.T) {
	const maxBytes = 32 << 10
	srv := newSite(t).serve(t, "--server.max_request_bytes", fmt.Sprint(maxBytes), "--server.max_header_bytes", "8192",
		"--server.read_header_timeout", "200ms", "--server.read_timeout", "200ms", "--server.idle_timeout", "200ms")
	body := func(note string) string {
		return `{"requestId":"bad","order":{"customerId":"cus_1","currencyCode":"GBP","note":"` + note + `","lines":[{"sku":"85123A","quantity":2,"unitPriceMinor":"255"}]}}`
	}
	for _, test := range []struct {
		name, body, encoding string
		status               int
		code                 string
		reason               fault.Reason
	}{
		{"a field that nobody knows", strings.Replace(body(""), "note", "nota", 1), "", 400, "invalid_argument", fault.ReasonMalformedRequest},
		{"text that is not UTF-8", body("caf\xe9"), "", 400, "invalid_argument", fault.ReasonMalformedRequest},
		{"a NUL", body(`a\u0000b`), "", 400, "invalid_argument", fault.ReasonInvalidRequest},
		{"a body over the limit that was set", body(strings.Repeat("x", maxBytes)), "", 429, "resource_exhausted", fault.ReasonRequestTooLarge},
		{"a compressed bomb", string(archive(t, bytes.Repeat([]byte(" "), 10<<20))), "gzip", 429, "resource_exhausted", fault.ReasonRequestTooLarge},
	} {
		t.Run(test.name+" is refused with its status, code and reason", func(t *testing.T) {
			req := srv.request(t, http.MethodPost, createPath, strings.NewReader(test.body))
			if test.encoding != "" {
				req.Header.Set("Content-Encoding", test.encoding)
			}
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			requireRefusal(t, res, test.status, test.code, test.reason)
		})
	}
	t.Run("a body that drips in is ended after the time that was set", func(t *testing.T) {
		conn := dial(t, srv)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
			createPath, srv.site.token(t))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		requireRefusal(t, res, http.StatusGatewayTimeout, "deadline_exceeded", fault.ReasonRequestTooSlow)
	})
	t.Run("connections that get nowhere", func(t *testing.T) { closesIdle(t, srv) })
	t.Run("headers over the limit that was set are refused", func(t *testing.T) {
		req := srv.request(t, http.MethodPost, createPath, strings.NewReader(body("")))
		req.Header.Set("X-Large", strings.Repeat("x", 64<<10))
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, res.StatusCode)
	})
	t.Run("nothing is stored of all that, and the request id is free", func(t *testing.T) {
		require.Equal(t, http.StatusOK, srv.status(t, "/readyz"))
		require.Empty(t, numbers(t, srv))
		res, err := http.DefaultClient.Do(srv.request(t, http.MethodPost, createPath, strings.NewReader(body("good"))))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.NotContains(t, srv.log.String(), `"code":"internal"`)
	})
}

// closesIdle wants a server to close connections that never come to a request.
func closesIdle(t *testing.T, srv *server) {
	const http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, opening := range map[string]string{
		"nothing":                          "",
		"half a request line":              "POST /ord",
		"headers without end":              "POST " + createPath + " HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"half of the HTTP/2 preface":       http2[:17],
		"the HTTP/2 preface and no more":   http2,
		"HTTP/2 settings and no more":      http2 + settings,
		"half a frame of HTTP/2 headers":   http2 + settings + "\x00\x00\x40\x01\x04\x00\x00\x00\x01\x82",
		"HTTP/2 headers that do not go on": http2 + settings + "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82",
	} {
		t.Run("one that sends "+name+" is closed", func(t *testing.T) {
			t.Parallel()
			conn := dial(t, srv)
			_, err := io.WriteString(conn, opening)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, conn) // up to the deadline of dial
			require.False(t, isTimeout(err), "the server kept the connection")
		})
	}
}

func TestGet(t *testing.T) {
	srv := newSite(t).serve(t)
	draft := purchase(0, 0)
	draft.Draft = true // no saga changes it meanwhile
	made, err := srv.client(t).Orders.CreateOrder(t.Context(), draft)
	require.NoError(t, err)
	query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {`{"orderId":"` + made.GetOrder().GetId() + `"}`}}
	get := func(t *testing.T, etag string) (status int, newEtag, text string) {
		t.Helper()
		req := srv.request(t, http.MethodGet, getPath+"?"+query.Encode(), nil)
		if etag != "" {
			req.Header.Set("If-None-Match", etag)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, res.Header.Get("Etag"), string(body)
	}
	var etag string
	t.Run("an order is read by GET, with an ETag", func(t *testing.T) {
		var status int
		var text string
		status, etag, text = get(t, "")
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, text, made.GetOrder().GetId())
		require.NotEmpty(t, etag)
	})
	t.Run("who has it is told so, until it changes", func(t *testing.T) {
		status, _, _ := get(t, etag)
		require.Equal(t, http.StatusNotModified, status)
		_, err := srv.client(t).Orders.PlaceOrder(t.Context(), &ordersv1.PlaceOrderRequest{OrderId: made.GetOrder().GetId(), RequestId: "place"})
		require.NoError(t, err)
		status, newEtag, _ := get(t, etag)
		require.Equal(t, http.StatusOK, status)
		require.NotEqual(t, etag, newEtag)
	})
	t.Run("what changes something cannot be had by GET", func(t *testing.T) {
		res, err := http.DefaultClient.Do(srv.request(t, http.MethodGet, createPath+"?"+query.Encode(), nil))
		require.NoError(t, err)
		requireRefusal(t, res, http.StatusMethodNotAllowed, "unimplemented", fault.ReasonMethodNotAllowed)
	})
}

// request makes a request of the administrator.
func (srv *server) request(t *testing.T, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.url+path, body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+srv.site.token(t))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// dial connects for as long as a test may take.
func dial(t *testing.T, srv *server) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(srv.url, "http://"))
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // as the connection gave it
	return ok && timeout.Timeout()
}

// requireRefusal wants an error of the Connect protocol, with the reason in its details.
func requireRefusal(t *testing.T, res *http.Response, status int, code string, reason fault.Reason) {
	t.Helper()
	defer res.Body.Close()
	var wire struct {
		Code    string
		Details []struct{ Type, Value string }
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&wire))
	require.Equal(t, status, res.StatusCode)
	require.Equal(t, code, wire.Code)
	for _, detail := range wire.Details {
		if detail.Type == "google.rpc.ErrorInfo" {
			value, err := base64.RawStdEncoding.DecodeString(detail.Value)
			require.NoError(t, err)
			info := &errdetails.ErrorInfo{}
			require.NoError(t, proto.Unmarshal(value, info))
			require.Equal(t, string(reason), info.GetReason())
			return
		}
	}
	require.Fail(t, "the error has no reason")
}
