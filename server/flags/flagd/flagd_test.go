package flagd_test

import (
	"context"
	"net"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/sync/v1/syncv1grpc"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/orderprocessing/orderprocessing/server/flags"
	"github.com/orderprocessing/orderprocessing/server/flags/flagd"
)

// source speaks as flagd does at its sync port: it hands out definitions, and others when they change.
type source struct {
	syncv1grpc.UnimplementedFlagSyncServiceServer
	definitions chan string
}

func (s *source) SyncFlags(_ *syncv1.SyncFlagsRequest, stream grpc.ServerStreamingServer[syncv1.SyncFlagsResponse]) error {
	for {
		select {
		case text := <-s.definitions:
			if err := stream.Send(&syncv1.SyncFlagsResponse{FlagConfiguration: text}); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return nil
		}
	}
}

// The definitions that are handed out: the second one kills the bell, and has a color that there is not.
const (
	first = `{"flags": {
		"bell": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"color": {"state": "ENABLED", "variants": {"red": "red", "green": "green"}, "defaultVariant": "green",
			"targeting": {"if": [{"==": [{"var": "targetingKey"}, "cus_1"]}, "red", null]}}}}`
	second = `{"flags": {
		"bell": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"},
		"color": {"state": "ENABLED", "variants": {"violet": "violet"}, "defaultVariant": "violet"}}}`
)

func TestProvider(t *testing.T) {
	declared := []flags.Flag{
		{Key: "bell", Variants: []string{flags.On, flags.Off}, Default: flags.Off, Killed: flags.Off},
		{Key: "color", Variants: []string{"red", "green", "blue"}, Default: "blue", Killed: "blue"},
	}
	open := func(t *testing.T, address string) *flags.Flags {
		p, err := flagd.New(address, false)
		require.NoError(t, err)
		f, err := flags.New(t.Context(), declared, p, prometheus.NewRegistry())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, f.Close(context.WithoutCancel(t.Context()))) })
		return f
	}
	t.Run("flags are what flagd hands out, and change as it says", func(t *testing.T) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := &source{definitions: make(chan string, 2)}
		server := grpc.NewServer()
		syncv1grpc.RegisterFlagSyncServiceServer(server, s)
		go func() { _ = server.Serve(listener) }() // it ends with Stop
		t.Cleanup(server.Stop)
		s.definitions <- first
		f := open(t, listener.Addr().String())
		bell, color := f.Switch("bell"), f.Choice("color")
		require.True(t, bell(t.Context(), ""))
		require.Equal(t, "red", color(t.Context(), "cus_1"))
		require.Equal(t, "green", color(t.Context(), "cus_2"))

		s.definitions <- second
		require.Eventually(t, func() bool { return !bell(t.Context(), "") }, 10*time.Second, 5*time.Millisecond)
		require.Equal(t, "blue", color(t.Context(), "cus_2"), "what the flag cannot be is not believed")
	})
	t.Run("while flagd is away flags are their defaults, and the process starts and ends", func(t *testing.T) {
		f := open(t, "127.0.0.1:1")
		require.False(t, f.Switch("bell")(t.Context(), ""))
		require.Equal(t, "blue", f.Choice("color")(t.Context(), "cus_1"))
	})
	t.Run("what is no address is refused", func(t *testing.T) {
		for _, address := range []string{"flagd", "flagd:http"} {
			_, err := flagd.New(address, false)
			require.ErrorContains(t, err, "flags.flagd.address")
		}
	})
}
