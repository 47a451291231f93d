package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// mark stands for a secret. It looks like a word, so that rules about characters let it pass.
const mark = "s3cretm4rk"

// quoted are fields that a refusal may quote to the caller who sent them: names, which cannot be
// corrected unless they are told.
var quoted = map[protoreflect.Name]bool{"paths": true, "sku": true, "saga": true}

// TestLeakage puts a secret into every field of every request, one at a time and all at once, and into
// the headers, and looks for it in the log at its finest level, in the metrics, in the traces as they are exported,
// and in the refusals.
func TestLeakage(t *testing.T) {
	traces := startCollector(t)
	e := newExamples(t, traces.sampled)
	s := e.s
	for _, service := range servicesOfContract() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			t.Run(string(method.FullName()), func(t *testing.T) {
				example := e.all[method.FullName()]
				require.NotNil(t, example)
				for _, path := range paths(example().ProtoReflect().Descriptor(), nil, 0) {
					request := example()
					put(request.ProtoReflect(), path)
					if a := callMethod(t, s.HTTP, s.URL, method, request); !quoted[path[len(path)-1].Name()] {
						require.NotContains(t, a.text, mark, "%v", path)
					}
				}
				all := example().ProtoReflect()
				for _, path := range paths(all.Descriptor(), nil, 0) {
					put(all, path)
				}
				callMethod(t, s.HTTP, s.URL, method, all.Interface())
				for _, header := range []string{"Authorization", "X-Api-Key", "Idempotency-Key", "Cookie", "User-Agent", "Traceparent"} {
					a := callMethod(t, withHeader(s, header, "Bearer "+mark), s.URL, method, example())
					require.NotContains(t, a.text, mark, header)
				}
				requireClean(t, s)
			})
		}
	}
	t.Run("what cannot be read does not leak either", func(t *testing.T) {
		for _, request := range []struct{ path, contentType, body string }{
			{"/orders.v1.OrderService/CreateOrder", "application/json", `{"order":"` + mark + `"}`},
			{"/payments.v1.PaymentService/AuthorizePayment", "application/json", `{"paymentMethod":"` + mark},
			{"/payments.v1.PaymentService/AuthorizePayment", "application/json", `{"amountMinor":"` + mark + `"}`},
			{"/payments.v1.PaymentService/AuthorizePayment", "application/proto", "\xff" + mark},
			{"/payments.v1.PaymentService/AuthorizePayment", "application/" + mark, "{}"},
			{"/payments.v1.PaymentService/" + mark, "application/json", "{}"},
			{"/webhooks/payments/simulator", "application/json", `{"id":"` + mark + `"}`},
		} {
			response, err := s.HTTP.Post(s.URL+request.path, request.contentType, strings.NewReader(request.body)) //nolint:noctx // short
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.GreaterOrEqual(t, response.StatusCode, 400)
		}
		requireClean(t, s)
	})
	s.Stop(t) // sends the traces that are left
	exported := traces.text(t)
	for _, service := range servicesOfContract() {
		for i := range service.Methods().Len() {
			require.Contains(t, exported, string(service.FullName())+"/"+string(service.Methods().Get(i).Name()))
		}
	}
	require.NotContains(t, exported, mark)
}

// requireClean makes sure that nothing of the secret is left behind.
func requireClean(t *testing.T, s *servertest.Server) {
	t.Helper()
	logs := s.Logs.String()
	require.NotEmpty(t, logs)
	require.NotContains(t, logs, mark)
	response, err := http.Get(s.OpsURL + "/metrics") //nolint:noctx // short
	require.NoError(t, err)
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(metrics), "orderprocessing_rpc_requests_total")
	require.NotContains(t, string(metrics), mark)
}

// paths lists the ways to every text in a message, through lists and messages, not too deep.
func paths(m protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor, depth int) (found [][]protoreflect.FieldDescriptor) {
	const deepest = 4
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		path := append(above[:len(above):len(above)], field)
		switch {
		case field.IsMap() || depth == deepest:
		case field.Kind() == protoreflect.StringKind:
			found = append(found, path)
		case field.Message() != nil:
			found = append(found, paths(field.Message(), path, depth+1)...)
		}
	}
	return found
}

// put puts the secret at the end of a path: in the first of each list.
func put(m protoreflect.Message, path []protoreflect.FieldDescriptor) {
	field := path[0]
	secret := protoreflect.ValueOfString(mark)
	switch {
	case field.IsList() && m.Mutable(field).List().Len() == 0 && len(path) == 1:
		m.Mutable(field).List().Append(secret)
	case field.IsList() && len(path) == 1:
		m.Mutable(field).List().Set(0, secret)
	case field.IsList():
		list := m.Mutable(field).List()
		if list.Len() == 0 {
			list.AppendMutable()
		}
		put(list.Get(0).Message(), path[1:])
	case len(path) == 1:
		m.Set(field, secret)
	default:
		put(m.Mutable(field).Message(), path[1:])
	}
}

// withHeader gives a client that sends a header, with the token of the test unless that is the header.
func withHeader(s *servertest.Server, name, value string) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Set(name, value)
		return s.HTTP.Transport.RoundTrip(r)
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
