package main_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/audit"
)

func TestFlags(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	do := func(t *testing.T, args ...string) string {
		return s.do(t, append([]string{"flags"}, append(args, "--server", srv.url)...)...)
	}
	type flag struct {
		Key     string
		Enabled bool
		Default string `json:"default_variant"`
		Rollout map[string]int
		Targets map[string]string
		Etag    string
	}
	t.Run("all are listed, and nobody has set them", func(t *testing.T) {
		all := decode[[]flag](t, do(t, "list", "--json"))
		require.Len(t, all, 3)
		require.Equal(t, flag{Key: "cached-reads", Enabled: true, Default: "on", Etag: "0"}, all[0])
		require.Regexp(t, `(?m)^risk-mode +true +enforce +- +0 +enforce\|shadow\|off +- +-$`, do(t, "list"))
	})
	t.Run("what is set stays set, and the rest as it was", func(t *testing.T) {
		do(t, "set", "risk-mode", "--default", "shadow", "--rollout", "enforce=10", "--target", "cus_1=off", "--target", "cus_2=off")
		set := decode[[]flag](t, do(t, "set", "risk-mode", "--enabled=false", "--no-targets", "--etag", "1", "--json"))
		require.Equal(t, []flag{{Key: "risk-mode", Default: "shadow", Rollout: map[string]int{"enforce": 10}, Etag: "2"}}, set)
		require.Equal(t, set[0], decode[[]flag](t, do(t, "list", "--json"))[2])
	})
	t.Run("what cannot be is refused by its reason", func(t *testing.T) {
		for reason, args := range map[string][]string{
			"FLAG_NOT_FOUND":  {"whistle", "--enabled"},
			"VARIANT_UNKNOWN": {"risk-mode", "--default", "on"},
			"STALE_ETAG":      {"risk-mode", "--enabled", "--etag", "1"},
			"ROLLOUT_INVALID": {"risk-mode", "--rollout", "enforce=60,off=60"},
			"at least one of": {"risk-mode"},
		} {
			got := s.run(t, append([]string{"flags", "set", "--server", srv.url}, args...)...)
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, reason)
		}
	})
	t.Run("who set what is in the audit log, customers are not", func(t *testing.T) {
		records := decode[[]audit.Record](t, s.do(t, "audit", "list", "--json"))
		require.Equal(t, "operations.v1.OperationsService/SetFlag", records[0].Action)
		require.Equal(t, "risk-mode", records[0].Object)
		require.Equal(t, "enabled=false default_variant= percent=", records[0].Detail)
		require.Equal(t, "enabled= default_variant=shadow percent=enforce:10", records[1].Detail)
		require.True(t, strings.HasPrefix(records[0].Actor, "key_"))
	})
}
