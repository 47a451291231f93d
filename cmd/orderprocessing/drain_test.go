package main_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
)

func TestServe_Drain(t *testing.T) {
	for _, backend := range backends {
		t.Run("no call that was accepted fails when the server is told to stop on "+backend.name, func(t *testing.T) {
			s := backend.make(t)
			srv := s.serve(t)
			// A buyer may send just when the server closes an idle connection: that call was not accepted.
			crowd := letIn(t, 300, srv.bare(t, true), srv.bare(t, false))
			crowd.wait(t)

			srv.terminate(t)

			require.Zero(t, srv.wait(t), "%s", srv.log)
			crowd.gone.Wait()
			for _, err := range crowd.failed {
				require.False(t, connect.IsWireError(err), "it was accepted and failed: %v", err)
			}
			require.Contains(t, srv.log.String(), `"msg":"drained"`)
			require.Equal(t, strings.Count(srv.log.String(), `"msg":"call"`), strings.Count(srv.log.String(), `"code":"ok"`))

			// What was not answered was not taken either.
			kept := stored(t, s.serve(t).client(t).Orders)
			require.Len(t, kept, len(crowd.created))
			for _, o := range crowd.created {
				require.Contains(t, kept, o.GetId())
			}
			s.verify(t)
		})
	}
}
