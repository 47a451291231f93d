package interceptors

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// refused is an error as it is on the wire, in whatever protocol.
type refused struct {
	status int
	code   string
	reason string
	fields []string
	text   string
}

// send makes a request by hand and reads the error out of the answer.
func send(tb testing.TB, client *http.Client, method, url, contentType string, body io.Reader, headers ...string) refused {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, body)
	require.NoError(tb, err)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	require.NoError(tb, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(tb, err)
	got := refused{status: res.StatusCode}
	if strings.HasPrefix(contentType, "application/grpc") {
		status := func(key string) string { return res.Header.Get(key) + res.Trailer.Get(key) }
		got.code, got.text = status("Grpc-Status"), status("Grpc-Message")
		raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(status("Grpc-Status-Details-Bin"), "="))
		require.NoError(tb, err)
		got.readStatus(tb, raw)
		return got
	}
	if strings.HasPrefix(contentType, "application/connect+") {
		require.Greater(tb, len(data), envelopeBytes)
		var end struct{ Error json.RawMessage }
		require.NoError(tb, json.Unmarshal(data[envelopeBytes:], &end))
		data = end.Error
	}
	var wire struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	require.NoError(tb, json.Unmarshal(data, &wire), "%d %q", res.StatusCode, data)
	got.code, got.text = wire.Code, wire.Message
	for _, detail := range wire.Details {
		value, err := base64.RawStdEncoding.DecodeString(detail.Value)
		require.NoError(tb, err)
		got.readDetail(tb, detail.Type, value)
	}
	return got
}

// readStatus reads google.rpc.Status, whose details are field 3.
func (r *refused) readStatus(tb testing.TB, raw []byte) {
	tb.Helper()
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		require.Positive(tb, n)
		raw = raw[n:]
		if number == 3 {
			detail, _ := protowire.ConsumeBytes(raw)
			_, _, n := protowire.ConsumeTag(detail)
			name, m := protowire.ConsumeString(detail[n:])
			_, _, k := protowire.ConsumeTag(detail[n+m:])
			value, _ := protowire.ConsumeBytes(detail[n+m+k:])
			r.readDetail(tb, name[strings.LastIndex(name, "/")+1:], value)
		}
		raw = raw[protowire.ConsumeFieldValue(number, kind, raw):]
	}
}

func (r *refused) readDetail(tb testing.TB, name string, value []byte) {
	tb.Helper()
	switch name {
	case "google.rpc.ErrorInfo":
		info := &errdetails.ErrorInfo{}
		require.NoError(tb, proto.Unmarshal(value, info))
		r.reason = info.GetReason()
	case "google.rpc.BadRequest":
		bad := &errdetails.BadRequest{}
		require.NoError(tb, proto.Unmarshal(value, bad))
		for _, violation := range bad.GetFieldViolations() {
			r.fields = append(r.fields, violation.GetField())
		}
	}
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return out.Bytes()
}

func framed(flags byte, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(data))), data...)
}

func TestBadInput(t *testing.T) {
	const (
		create  = "/orders.v1.OrderService/CreateOrder"
		get     = "/orders.v1.OrderService/GetOrder"
		exports = "/orders.v1.OrderService/ExportOrders"
		jsonCT  = "application/json"
		grpcCT  = "application/grpc+proto"
		webCT   = "application/grpc-web+proto"
		stream  = "application/connect+json"
	)
	handled := false
	e := serve(t, &orders{
		create: func(context.Context, *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
			handled = true
			return &ordersv1.CreateOrderResponse{}, nil
		},
		export: func(context.Context, *ordersv1.ExportOrdersRequest, *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
			handled = true
			return nil
		},
	}, nil)
	bomb := gzipped(t, bytes.Repeat([]byte(" "), 50<<20))
	require.Less(t, len(bomb), 64<<10, "the bomb must pass the gate")
	large := bytes.Repeat([]byte("x"), 65<<10)
	unsized := func(data []byte) io.Reader { return io.MultiReader(bytes.NewReader(data)) }

	for _, tt := range []struct {
		name        string
		path        string
		contentType string
		body        io.Reader
		headers     []string
		code        string
		reason      fault.Reason
		field       string
	}{
		{"broken JSON", create, jsonCT, strings.NewReader(`{"order":`), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"no JSON at all", create, jsonCT, strings.NewReader(""), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"an unknown JSON field", create, jsonCT, strings.NewReader(`{"order":{"custmerId":"c"}}`), nil, "invalid_argument", fault.ReasonMalformedRequest, "custmerId"},
		{"an unknown JSON field with a charset", create, "application/json; charset=utf-8", strings.NewReader(`{"ordr":{}}`), nil, "invalid_argument", fault.ReasonMalformedRequest, "ordr"},
		{"an unknown enum", create, jsonCT, strings.NewReader(`{"order":{"lines":[{"kind":"LINE_KIND_GOLD"}]}}`), nil, "invalid_argument", fault.ReasonMalformedRequest, "kind"},
		{"a number that does not fit", create, jsonCT, strings.NewReader(`{"order":{"lines":[{"quantity":"99999999999999999999"}]}}`), nil, "invalid_argument", fault.ReasonMalformedRequest, "quantity"},
		{"JSON that is not UTF-8", create, jsonCT, strings.NewReader("{\"requestId\":\"\xff\"}"), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"JSON nested without end", create, jsonCT, strings.NewReader(strings.Repeat(`{"order":`, 6000)), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"broken binary", create, "application/proto", strings.NewReader("\xff\xff\xff"), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"binary text that is not UTF-8", create, "application/proto", bytes.NewReader(append(protowire.AppendTag(nil, 2, protowire.BytesType), 1, 0xff)), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"broken binary over gRPC", create, grpcCT, bytes.NewReader(framed(0, []byte("\xff\xff"))), nil, "3", fault.ReasonMalformedRequest, ""},
		{"broken binary over gRPC-Web", create, webCT, bytes.NewReader(framed(0, []byte("\xff\xff"))), nil, "3", fault.ReasonMalformedRequest, ""},
		{"broken JSON in a stream", exports, stream, bytes.NewReader(framed(0, []byte(`{"x":1}`))), nil, "invalid_argument", fault.ReasonMalformedRequest, "x"},
		{"a body over the limit", create, jsonCT, bytes.NewReader(large), nil, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"a body over the limit that does not say so", create, jsonCT, unsized(large), nil, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"an endless body", create, jsonCT, io.LimitReader(endless{}, 1<<30), nil, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"a body over the limit over gRPC", create, grpcCT, unsized(framed(0, large)), nil, "8", fault.ReasonRequestTooLarge, ""},
		{"a body over the limit over gRPC-Web", create, webCT, unsized(framed(0, large)), nil, "8", fault.ReasonRequestTooLarge, ""},
		{"a message over the limit in a stream", exports, stream, unsized(framed(0, large)), nil, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"a compressed bomb", create, jsonCT, bytes.NewReader(bomb), []string{"Content-Encoding", "gzip"}, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"a compressed bomb over gRPC", create, grpcCT, bytes.NewReader(framed(1, bomb)), []string{"Grpc-Encoding", "gzip"}, "8", fault.ReasonRequestTooLarge, ""},
		{"a compressed bomb in a stream", exports, stream, bytes.NewReader(framed(1, bomb)), []string{"Connect-Content-Encoding", "gzip"}, "resource_exhausted", fault.ReasonRequestTooLarge, ""},
		{"gzip that is none", create, jsonCT, strings.NewReader("{}"), []string{"Content-Encoding", "gzip"}, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"gzip that is cut off", create, jsonCT, bytes.NewReader(gzipped(t, []byte(`{}`))[:12]), []string{"Content-Encoding", "gzip"}, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"a compression nobody knows", create, jsonCT, strings.NewReader("{}"), []string{"Content-Encoding", "br"}, "unimplemented", fault.ReasonUnsupportedEncoding, ""},
		{"a compression nobody knows over gRPC", create, grpcCT, bytes.NewReader(framed(1, nil)), []string{"Grpc-Encoding", "br"}, "12", fault.ReasonUnsupportedEncoding, ""},
		{"a compression nobody knows in a stream", exports, stream, bytes.NewReader(framed(1, nil)), []string{"Connect-Content-Encoding", "br"}, "unimplemented", fault.ReasonUnsupportedEncoding, ""},
		{"a frame that is cut off", create, grpcCT, bytes.NewReader(framed(0, make([]byte, 99))[:20]), nil, "3", fault.ReasonMalformedRequest, ""},
		{"a frame that is cut off in a stream", exports, stream, bytes.NewReader(framed(0, make([]byte, 99))[:20]), nil, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"no message where one belongs", create, grpcCT, strings.NewReader(""), nil, "3", fault.ReasonMalformedRequest, ""},
		{"two messages where one belongs", create, grpcCT, bytes.NewReader(append(framed(0, nil), framed(0, nil)...)), nil, "3", fault.ReasonMalformedRequest, ""},
		{"a timeout that is no number", create, jsonCT, strings.NewReader("{}"), []string{"Connect-Timeout-Ms", "soon"}, "invalid_argument", fault.ReasonMalformedRequest, ""},
		{"a content type nobody knows", create, "text/xml", strings.NewReader("<order/>"), nil, "invalid_argument", fault.ReasonUnsupportedMediaType, ""},
		{"a procedure nobody knows", "/orders.v1.OrderService/StealOrder", jsonCT, strings.NewReader("{}"), nil, "unimplemented", fault.ReasonProcedureUnknown, ""},
		{"a procedure nobody knows over gRPC", "/orders.v2.OrderService/GetOrder", grpcCT, bytes.NewReader(framed(0, nil)), nil, "12", fault.ReasonProcedureUnknown, ""},
		{"a request id said in two ways", create, jsonCT, strings.NewReader(`{"order":{"currencyCode":"GBP"},"requestId":"a"}`), []string{"Idempotency-Key", "b"}, "invalid_argument", fault.ReasonInvalidRequest, "request_id"},
		{"no request id", create, jsonCT, strings.NewReader(`{"order":{"currencyCode":"GBP"}}`), nil, "invalid_argument", fault.ReasonInvalidRequest, "request_id"},
	} {
		t.Run(tt.name+" is refused with its reason", func(t *testing.T) {
			logged, client := countLines(e.logs.String(), `"msg":"call"`), e.http2
			got := send(t, client, http.MethodPost, e.url+tt.path, tt.contentType, tt.body, tt.headers...)
			require.Equal(t, tt.code, got.code, got.text)
			require.Equal(t, string(tt.reason), got.reason, got.text)
			require.NotEmpty(t, got.text)
			require.NotContains(t, got.text, "127.0.0.1")
			if tt.field != "" {
				require.Contains(t, got.fields, tt.field)
			}
			require.False(t, handled)
			require.Equal(t, logged+1, countLines(e.logs.String(), `"msg":"call"`), "one log line")
		})
	}
	t.Run("GET of a method that changes something is refused with its reason", func(t *testing.T) {
		got := send(t, e.http1, http.MethodGet, e.url+create+"?encoding=json&message={}", "", nil)
		require.Equal(t, refused{405, "unimplemented", "METHOD_NOT_ALLOWED", nil, got.text}, got)
	})
	t.Run("GET without a message is refused with its reason", func(t *testing.T) {
		got := send(t, e.http1, http.MethodGet, e.url+get, "", nil)
		require.Equal(t, http.StatusUnsupportedMediaType, got.status)
		require.Equal(t, "UNSUPPORTED_MEDIA_TYPE", got.reason)
	})
	t.Run("GET of a message that is malformed is refused with its reason", func(t *testing.T) {
		got := send(t, e.http1, http.MethodGet, e.url+get+"?encoding=json&message=%7B%22id%22:1%7D", "", nil)
		require.Equal(t, "MALFORMED_REQUEST", got.reason)
		require.Equal(t, []string{"id"}, got.fields)
	})
	t.Run("a stream in both directions needs HTTP/2", func(t *testing.T) {
		got := send(t, e.http1, http.MethodPost, e.url+"/orders.v1.OrderService/ImportOrders", "application/json", strings.NewReader(""))
		require.Equal(t, http.StatusHTTPVersionNotSupported, got.status)
		require.Equal(t, "HTTP2_REQUIRED", got.reason)
	})
	t.Run("a field from the future is accepted in binary", func(t *testing.T) {
		body := protowire.AppendTag(nil, 1000, protowire.VarintType)
		body = append(body, 1)
		data, err := proto.Marshal(validCreate())
		require.NoError(t, err)
		res, err := e.http2.Post(e.url+create, "application/proto", bytes.NewReader(append(data, body...)))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.True(t, handled)
	})
}

// endless is a reader of blanks.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestBadInput_Stream(t *testing.T) {
	e := serve(t, &orders{imports: echoImports}, nil)
	client := ordersv1connect.NewOrderServiceClient(e.http2, e.url, connect.WithGRPC())
	t.Run("the message that is invalid ends the stream, after those before it", func(t *testing.T) {
		stream, err := client.ImportOrders(t.Context())
		require.NoError(t, err)
		require.NoError(t, stream.Send(&ordersv1.ImportOrdersRequest{Source: "shop", Documents: []*ordersv1.ImportDocument{{}}}))
		_, err = stream.Receive()
		require.NoError(t, err)
		require.NoError(t, stream.Send(&ordersv1.ImportOrdersRequest{Source: "SHOP!"}))
		_, err = stream.Receive()
		requireRefused(t, err, connect.CodeInvalidArgument, fault.ReasonInvalidRequest)
		_, bad, _ := details(t, err)
		require.Len(t, bad.GetFieldViolations(), 2)
		require.NoError(t, stream.CloseRequest())
		require.NoError(t, stream.CloseResponse())
	})
	t.Run("a message over the limit ends the stream with its reason", func(t *testing.T) {
		stream, err := client.ImportOrders(t.Context())
		require.NoError(t, err)
		require.NoError(t, stream.Send(&ordersv1.ImportOrdersRequest{Source: strings.Repeat("x", 70<<10)}))
		_, err = stream.Receive()
		requireRefused(t, err, connect.CodeResourceExhausted, fault.ReasonRequestTooLarge)
		require.NoError(t, stream.CloseRequest())
		require.NoError(t, stream.CloseResponse())
	})
}
