package main_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	var sent atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	s := newSite(t)
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "data"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "data", "admin.key"), []byte("opk_file\n"), 0o600))
	for name, tt := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"a server on this machine is called with its own key": {nil, nil, "Bearer opk_file"},
		"a variable beats the key":                            {[]string{"ORDERPROCESSING_TOKEN=opk_variable"}, nil, "Bearer opk_variable"},
		"a flag beats the variable":                           {[]string{"ORDERPROCESSING_TOKEN=opk_variable"}, []string{"--token", "opk_flag"}, "Bearer opk_flag"},
		"another data folder has no key":                      {[]string{"ORDERPROCESSING_DATA_DIR=elsewhere"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sent.Store("")
			got := s.with(tt.env...).run(t, append([]string{"report", "--server", server.URL}, tt.args...)...)
			require.Equal(t, 1, got.code)
			require.Equal(t, tt.want, sent.Load())
		})
	}
	t.Run("a server elsewhere does not get to see the key", func(t *testing.T) {
		sent.Store("nothing was sent")
		elsewhere := strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1) // reaches it, and is no address of this machine alone
		require.Equal(t, 1, s.run(t, "report", "--server", elsewhere).code)
		require.Empty(t, sent.Load())
	})
}
