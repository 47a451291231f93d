package interceptors

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// denials records what Options.Denied was told.
type denials struct {
	mu  sync.Mutex
	all []string
}

func (d *denials) record(_ context.Context, procedure string, caller auth.Caller, reason fault.Reason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, strings.Join([]string{procedure, caller.ID, string(reason)}, " "))
}

func (d *denials) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.all
	d.all = nil
	return all
}

// strictly lets in who has a token alone.
func strictly(d *denials) func(*Options) {
	customer := auth.Caller{ID: "usr_1", CustomerID: "cus_1", Roles: []auth.Role{auth.Customer}}
	narrow := func(scopes ...string) auth.Caller {
		return auth.Caller{ID: "key_1", Roles: []auth.Role{auth.Staff}, Scopes: scopes}
	}
	return func(o *Options) {
		o.Denied = d.record
		o.Authenticator = knows{
			"":           {},
			"customer":   customer,
			"unowning":   {ID: "usr_2", Roles: []auth.Role{auth.Customer}},
			"staff":      {ID: "usr_3", Roles: []auth.Role{auth.Staff}},
			"key":        narrow("orders.v1.OrderService"),
			"key-get":    narrow("orders.v1.OrderService/GetOrder"),
			"key-other":  narrow("payments.v1.PaymentService", "orders.v1.OrderService/GetOrderX", "orders.v1.Order"),
			"key-no-use": narrow([]string{}...),
		}
	}
}

func with(e *edge, token string, options ...connect.ClientOption) ordersv1connect.OrderServiceClient {
	return ordersv1connect.NewOrderServiceClient(bearer{e.http2, token}, e.url, options...)
}

type bearer struct {
	client *http.Client
	token  string
}

func (b bearer) Do(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.client.Do(r)
}

func TestAuthorize(t *testing.T) {
	d := &denials{}
	exports := func(_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
		return stream.Send(&ordersv1.ExportOrdersResponse{})
	}
	e := serve(t, &orders{export: exports, imports: echoImports}, strictly(d))
	get := func(ctx context.Context, c ordersv1connect.OrderServiceClient) error {
		_, err := c.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		return err
	}
	export := func(ctx context.Context, c ordersv1connect.OrderServiceClient) error {
		stream, err := c.ExportOrders(ctx, &ordersv1.ExportOrdersRequest{})
		if err != nil {
			return err
		}
		defer stream.Close()
		for stream.Receive() {
		}
		return stream.Err()
	}
	imports := func(ctx context.Context, c ordersv1connect.OrderServiceClient) error {
		stream, err := c.ImportOrders(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = stream.CloseResponse() }()
		_ = stream.Send(&ordersv1.ImportOrdersRequest{Source: "shop", Documents: []*ordersv1.ImportDocument{{}}}) // Receive tells
		if _, err := stream.Receive(); err != nil {
			return err
		}
		return stream.CloseRequest()
	}
	protocols := map[string][]connect.ClientOption{
		"Connect": nil, "Connect GET": {connect.WithHTTPGet()}, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	}
	for _, tt := range []struct {
		token, method string
		call          func(context.Context, ordersv1connect.OrderServiceClient) error
		code          connect.Code // 0 for allowed
		reason        fault.Reason
	}{
		{"", "GetOrder", get, connect.CodeUnauthenticated, fault.ReasonCredentialsMissing},
		{"", "ExportOrders", export, connect.CodeUnauthenticated, fault.ReasonCredentialsMissing},
		{"", "ImportOrders", imports, connect.CodeUnauthenticated, fault.ReasonCredentialsMissing},
		{"guess", "GetOrder", get, connect.CodeUnauthenticated, fault.ReasonCredentialsMalformed},
		{"guess", "ImportOrders", imports, connect.CodeUnauthenticated, fault.ReasonCredentialsMalformed},
		{"customer", "GetOrder", get, 0, ""},
		{"customer", "ExportOrders", export, connect.CodePermissionDenied, fault.ReasonRoleMissing},
		{"customer", "ImportOrders", imports, connect.CodePermissionDenied, fault.ReasonRoleMissing},
		{"staff", "ExportOrders", export, 0, ""},
		{"staff", "ImportOrders", imports, 0, ""},
		{"key", "GetOrder", get, 0, ""},
		{"key", "ExportOrders", export, 0, ""},
		{"key-get", "GetOrder", get, 0, ""},
		{"key-get", "ExportOrders", export, connect.CodePermissionDenied, fault.ReasonScopeMissing},
		{"key-other", "GetOrder", get, connect.CodePermissionDenied, fault.ReasonScopeMissing},
		{"key-no-use", "GetOrder", get, connect.CodePermissionDenied, fault.ReasonScopeMissing},
	} {
		for protocol, options := range protocols {
			t.Run(tt.token+" calls "+tt.method+" over "+protocol, func(t *testing.T) {
				err := tt.call(t.Context(), with(e, tt.token, options...))
				if tt.code == 0 {
					require.NoError(t, err)
					require.Empty(t, d.take())
					return
				}
				requireRefused(t, err, tt.code, tt.reason)
				told := d.take()
				require.Len(t, told, 1)
				require.True(t, strings.HasPrefix(told[0], "/orders.v1.OrderService/"+tt.method+" "), told[0])
				require.True(t, strings.HasSuffix(told[0], " "+string(tt.reason)), told[0])
				challenge := err.(*connect.Error).Meta().Get("WWW-Authenticate")  //nolint:errorlint // requireRefused looked
				if tt.code == connect.CodeUnauthenticated && protocol != "gRPC" { // HTTP allows no such trailer
					require.Contains(t, challenge, "Bearer")
				} else {
					require.Empty(t, challenge)
				}
			})
		}
	}
	t.Run("the log names who called, and never the token", func(t *testing.T) {
		require.Contains(t, e.logs.String(), `"caller":"usr_1"`)
		require.NotContains(t, e.logs.String(), "guess")
	})
	t.Run("what is another's is not found, and told as a denial", func(t *testing.T) {
		theirs := serve(t, &orders{get: func(ctx context.Context, _ *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
			return nil, auth.CheckAccess(ctx, "cus_2", fault.New(fault.KindNotFound, fault.ReasonOrderNotFound, "there is no such order"))
		}}, strictly(d))
		requireRefused(t, get(t.Context(), with(theirs, "customer")), connect.CodeNotFound, fault.ReasonOrderNotFound)
		require.Equal(t, []string{"/orders.v1.OrderService/GetOrder usr_1 ORDER_NOT_FOUND"}, d.take())
	})
}

func TestAuthenticate(t *testing.T) {
	t.Run("there must be somebody to ask", func(t *testing.T) {
		_, err := New(Options{})
		require.ErrorContains(t, err, "Authenticator")
	})
	for _, tt := range []struct {
		name   string
		header http.Header
		token  string // empty: refused, or there is none
		fails  bool
	}{
		{"nothing", http.Header{}, "", false},
		{"a bearer token", http.Header{"Authorization": {"Bearer abc"}}, "abc", false},
		{"a scheme in other letters", http.Header{"Authorization": {"bearer  abc "}}, "abc", false},
		{"an API key", http.Header{"X-Api-Key": {"abc"}}, "abc", false},
		{"another scheme", http.Header{"Authorization": {"Basic YTpi"}}, "", true},
		{"a scheme alone", http.Header{"Authorization": {"Bearer"}}, "", true},
		{"an empty key", http.Header{"X-Api-Key": {""}}, "", true},
		{"two tokens", http.Header{"Authorization": {"Bearer a", "Bearer b"}}, "", true},
		{"a token and a key", http.Header{"Authorization": {"Bearer a"}, "X-Api-Key": {"a"}}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			credentials, err := credentialsOf(tt.header)
			require.Equal(t, tt.token, credentials.Token)
			require.Equal(t, tt.fails, fault.ReasonOf(err) == fault.ReasonCredentialsMalformed)
		})
	}
}

func TestOwn(t *testing.T) {
	var created *ordersv1.CreateOrderRequest
	d := &denials{}
	e := serve(t, &orders{create: func(_ context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
		created = req
		return &ordersv1.CreateOrderResponse{}, nil
	}}, strictly(d))
	for _, tt := range []struct{ token, customer, want string }{
		{"customer", "", "cus_1"},
		{"customer", "cus_1", "cus_1"},
		{"customer", "cus_2", ""},
		{"unowning", "", ""},
		{"unowning", "cus_1", ""},
		{"staff", "cus_2", "cus_2"},
		{"staff", "", ""},
	} {
		t.Run(tt.token+" orders for "+tt.customer, func(t *testing.T) {
			req := validCreate()
			req.Order.CustomerId = tt.customer
			created = nil
			_, err := with(e, tt.token).CreateOrder(t.Context(), req)
			if tt.token != "staff" && tt.want == "" {
				requireRefused(t, err, connect.CodePermissionDenied, fault.ReasonCustomerNotYours)
				require.Nil(t, created)
				require.Len(t, d.take(), 1)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, created.GetOrder().GetCustomerId())
		})
	}
	t.Run("a list without a filter is a list of what is the customer's", func(t *testing.T) {
		list := &ordersv1.ListOrdersRequest{}
		require.NoError(t, own(auth.Caller{ID: "usr_1", CustomerID: "cus_1", Roles: []auth.Role{auth.Customer}}, list.ProtoReflect()))
		require.True(t, proto.Equal(&ordersv1.ListOrdersRequest{Filter: &ordersv1.OrderFilter{CustomerId: "cus_1"}}, list))
	})
	t.Run("an owner in a list of many cannot be checked, and does not start", func(t *testing.T) {
		text := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
		message := descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		one, many := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
			Name: proto.String("batch.proto"), Package: proto.String("batch"), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{
				{Name: proto.String("Item"), Field: []*descriptorpb.FieldDescriptorProto{{Name: proto.String("customer_id"), Number: proto.Int32(1), Type: text, Label: one}}},
				{Name: proto.String("Batch"), Field: []*descriptorpb.FieldDescriptorProto{
					{Name: proto.String("first"), Number: proto.Int32(1), Type: message, Label: one, TypeName: proto.String(".batch.Item")},
					{Name: proto.String("rest"), Number: proto.Int32(2), Type: message, Label: many, TypeName: proto.String(".batch.Item")},
				}},
			},
		}, nil)
		require.NoError(t, err)
		require.NoError(t, checkOwned(file.Messages().ByName("Item"), false, map[protoreflect.FullName][]bool{}))
		require.ErrorContains(t, checkOwned(file.Messages().ByName("Batch"), false, map[protoreflect.FullName][]bool{}), "batch.Item.customer_id")
	})
}
