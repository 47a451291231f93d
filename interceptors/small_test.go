package interceptors

import (
	"context"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
)

func TestCopyRequestID(t *testing.T) {
	var got string
	e := serve(t, &orders{create: func(_ context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
		got = req.GetRequestId()
		return &ordersv1.CreateOrderResponse{}, nil
	}}, nil)
	for _, tt := range []struct{ name, field, header, want string }{
		{"the header fills an empty field", "", "key-1", "key-1"},
		{"a quoted header is the same as a bare one", "", `"key-1"`, "key-1"},
		{"header and field may say the same", "key-1", "key-1", "key-1"},
		{"the field is enough", "key-1", "", "key-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, info := connect.NewClientContext(t.Context())
			if tt.header != "" {
				info.RequestHeader().Set("Idempotency-Key", tt.header)
			}
			req := validCreate()
			req.RequestId = tt.field
			_, err := ordersv1connect.NewOrderServiceClient(e.http2, e.url).CreateOrder(ctx, req)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	t.Run("a message without the field ignores the header", func(t *testing.T) {
		require.NoError(t, copyRequestID(connect.Spec{}, http.Header{idempotencyKey: {"a"}}, &ordersv1.GetOrderRequest{}))
	})
	t.Run("a stream of requests cannot be named by one header", func(t *testing.T) {
		require.Error(t, copyRequestID(connect.Spec{StreamType: connect.StreamTypeBidi}, http.Header{idempotencyKey: {"a"}}, &ordersv1.CreateOrderRequest{}))
	})
}

func TestCacheValidators(t *testing.T) {
	note := "first"
	e := serve(t, &orders{get: func(_ context.Context, req *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
		return &ordersv1.GetOrderResponse{Order: &ordersv1.Order{Id: req.GetOrderId(), Note: note}}, nil
	}}, nil)
	get := func(t *testing.T, encoding, ifNoneMatch string) *http.Response {
		t.Helper()
		message := `%7B%22orderId%22:%22` + orderID + `%22%7D`
		if encoding == "proto" {
			data, err := proto.Marshal(&ordersv1.GetOrderRequest{OrderId: orderID})
			require.NoError(t, err)
			message = queryEscape(data)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/orders.v1.OrderService/GetOrder?connect=v1&encoding="+encoding+"&message="+message, nil)
		require.NoError(t, err)
		if ifNoneMatch != "" {
			req.Header.Set("If-None-Match", ifNoneMatch)
		}
		res, err := e.http1.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res
	}
	first := get(t, "json", "")
	etag := first.Header.Get("Etag")
	t.Run("an answer may be kept by its caller alone, who asks before using it", func(t *testing.T) {
		require.Equal(t, http.StatusOK, first.StatusCode)
		require.Equal(t, []string{"private, no-cache"}, first.Header.Values("Cache-Control"))
		require.Contains(t, first.Header.Get("Vary"), "Authorization")
		require.Regexp(t, `^"[\w-]{22}"$`, etag)
	})
	t.Run("a caller who has the answer is told so", func(t *testing.T) {
		res := get(t, "json", `"other", W/`+etag)
		require.Equal(t, http.StatusNotModified, res.StatusCode)
		require.Equal(t, []string{etag}, res.Header.Values("Etag"))
		require.Equal(t, []string{"private, no-cache"}, res.Header.Values("Cache-Control"))
	})
	t.Run("the same answer in another encoding has another ETag", func(t *testing.T) {
		require.NotEqual(t, etag, get(t, "proto", "").Header.Get("Etag"))
	})
	t.Run("another answer has another ETag", func(t *testing.T) {
		note = "second"
		res := get(t, "json", etag)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.NotEqual(t, etag, res.Header.Get("Etag"))
	})
	t.Run("an error is not kept", func(t *testing.T) {
		res, err := e.http1.Get(e.url + "/orders.v1.OrderService/GetOrder?encoding=json&message=%7B%7D")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Equal(t, []string{"no-store"}, res.Header.Values("Cache-Control"))
	})
	t.Run("POST has no ETag", func(t *testing.T) {
		res, err := e.http1.Post(e.url+"/orders.v1.OrderService/GetOrder", "application/json", reader(`{"orderId":"`+orderID+`"}`))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Empty(t, res.Header.Get("Etag"))
	})
}

func TestCheckPolicies(t *testing.T) {
	t.Run("the contract is complete", func(t *testing.T) {
		services := ordersv1.File_orders_v1_order_service_proto.Services()
		require.NoError(t, CheckPolicies(services.Get(0)))
		policy, ok := PolicyOf("/orders.v1.OrderService/ListOrders")
		require.True(t, ok)
		require.EqualValues(t, 5, policy.GetCost())
	})
	t.Run("what is no procedure has no policy", func(t *testing.T) {
		for _, procedure := range []string{"", "/", "/orders.v1.OrderService", "/orders.v1.OrderService/Nope", "/orders.v1/Order"} {
			_, ok := PolicyOf(procedure)
			require.False(t, ok, procedure)
		}
	})
	t.Run("every method without a complete policy is named", func(t *testing.T) {
		method := func(name string, policy *policyv1.MethodPolicy) *descriptorpb.MethodDescriptorProto {
			options := &descriptorpb.MethodOptions{}
			if policy != nil {
				proto.SetExtension(options, policyv1.E_Method, policy)
			}
			return &descriptorpb.MethodDescriptorProto{Name: &name, InputType: proto.String(".bad.M"), OutputType: proto.String(".bad.M"), Options: options}
		}
		complete := &policyv1.MethodPolicy{
			Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF}, Ownership: policyv1.Ownership_OWNERSHIP_NOT_OWNED, RateClass: policyv1.RateClass_RATE_CLASS_READ,
		}
		without := func(change func(*policyv1.MethodPolicy)) *policyv1.MethodPolicy {
			policy := proto.CloneOf(complete)
			change(policy)
			return policy
		}
		file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
			Name: proto.String("bad.proto"), Package: proto.String("bad"), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
				method("Good", complete),
				method("None", nil),
				method("NoRole", without(func(p *policyv1.MethodPolicy) { p.Roles = nil })),
				method("BadRole", without(func(p *policyv1.MethodPolicy) { p.Roles = []policyv1.Role{0} })),
				method("NoOwner", without(func(p *policyv1.MethodPolicy) { p.Ownership = 0 })),
				method("NoClass", without(func(p *policyv1.MethodPolicy) { p.RateClass = 0 })),
				method("BadCost", without(func(p *policyv1.MethodPolicy) { p.Cost = -1 })),
			}}},
		}, nil)
		require.NoError(t, err)
		err = CheckPolicies(file.Services().Get(0))
		for _, name := range []string{"None", "NoRole", "BadRole", "NoOwner", "NoClass", "BadCost"} {
			require.ErrorContains(t, err, "bad.S."+name+":")
		}
		require.NotContains(t, err.Error(), "Good")
	})
}
