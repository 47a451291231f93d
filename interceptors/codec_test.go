package interceptors

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// The optional interfaces that connect looks for in a codec, as its codec.go has them.
type (
	appender interface {
		MarshalAppend(dst []byte, message any) ([]byte, error)
	}
	stable interface {
		MarshalStable(message any) ([]byte, error)
		IsBinary() bool
	}
)

func testCodecs() []connect.Codec {
	failures := unencodable{slog.New(slog.DiscardHandler)}
	return []connect.Codec{protoCodec{failures}, jsonCodec{"json", failures}}
}

func TestCodecs(t *testing.T) {
	for _, codec := range testCodecs() {
		t.Run(codec.Name()+" gives back what it was given, in every way of writing", func(t *testing.T) {
			want := validCreate()
			plain, err := codec.Marshal(want)
			require.NoError(t, err)
			appended, err := codec.(appender).MarshalAppend([]byte("before"), want)
			require.NoError(t, err)
			stably, err := codec.(stable).MarshalStable(want)
			require.NoError(t, err)
			again, err := codec.(stable).MarshalStable(want)
			require.NoError(t, err)
			require.Equal(t, stably, again)
			require.Equal(t, codec.Name() == "proto", codec.(stable).IsBinary())
			for _, data := range [][]byte{plain, bytes.TrimPrefix(appended, []byte("before")), stably} {
				got := &ordersv1.CreateOrderRequest{}
				require.NoError(t, codec.Unmarshal(data, got))
				require.Empty(t, cmp.Diff(want, got, protocmp.Transform()))
				require.NoError(t, refuseUndecoded(connect.Spec{}, nil, got))
			}
		})
		t.Run(codec.Name()+" leaves nothing of what it could decode half", func(t *testing.T) {
			got := &ordersv1.CreateOrderRequest{}
			require.NoError(t, codec.Unmarshal([]byte("{\"requestId\":\"r\", \xff"), got))
			require.Empty(t, got.GetRequestId())
			err := refuseUndecoded(connect.Spec{}, nil, got)
			require.Equal(t, fault.ReasonMalformedRequest, fault.ReasonOf(err))
		})
		t.Run(codec.Name()+" refuses what is no message", func(t *testing.T) {
			_, err := codec.Marshal("text")
			require.ErrorIs(t, err, errUnencodable)
			require.Error(t, codec.Unmarshal(nil, "text"))
		})
	}
	t.Run("long text of a failure is cut", func(t *testing.T) {
		got := &ordersv1.GetOrderRequest{}
		require.NoError(t, jsonCodec{}.Unmarshal([]byte(`{"`+strings.Repeat("é", 9000)+`":1}`), got))
		err := refuseUndecoded(connect.Spec{}, nil, got)
		require.Less(t, len(err.Error()), 2*maxDecodeText)
		require.True(t, utf8.ValidString(err.Error()))
	})
}

func FuzzJSONCodec(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[]", `{"order":null}`, `{"requestId":"\u0000"}`, `{"requestId":"\ud800"}`, "{\"requestId\":\"\xff\"}",
		`{"order":{"lines":[{"sku":"A","quantity":"2"}]}}`, `{"order":{"lines":[{"quantity":1e400}]}}`, `{"nope":1}`, `{"order":{"order":{}}}`,
		`{"expectedTotalMinor":-0}`, `{"order":{"createTime":"9999-99-99T00:00:00Z"}}`, strings.Repeat("[", 20000),
	} {
		f.Add([]byte(seed))
	}
	codec := testCodecs()[1]
	f.Fuzz(func(t *testing.T, data []byte) {
		got := &ordersv1.CreateOrderRequest{}
		if err := codec.Unmarshal(data, got); err != nil {
			t.Fatalf("the codec failed: %v", err)
		}
		err := refuseUndecoded(connect.Spec{}, nil, got)
		if valid := protojson.Unmarshal(data, &ordersv1.CreateOrderRequest{}) == nil; valid != (err == nil) {
			t.Fatalf("valid is %v, refused with %v", valid, err)
		}
		if err != nil {
			if f := fault.From(err); f.Kind != fault.KindInvalid || !utf8.ValidString(f.Message) || len(f.Message) > 2*maxDecodeText {
				t.Fatalf("refused with %q", f.Message)
			}
			return
		}
		again, err := codec.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		back := &ordersv1.CreateOrderRequest{}
		if err := codec.Unmarshal(again, back); err != nil || !proto.Equal(got, back) {
			t.Fatalf("%s came back as %v (%v)", again, back, err)
		}
	})
}
