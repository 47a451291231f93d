package pagetoken_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
)

var list = []byte("ListOrders newest first")

func TestTokens(t *testing.T) {
	tokens := pagetoken.New([]byte("key"))
	token := tokens.Make(list, []byte("here"))

	t.Run("a token gives its position back", func(t *testing.T) {
		position, err := tokens.Read(list, token)
		require.NoError(t, err)
		require.Equal(t, "here", string(position))
	})
	t.Run("no token is the first page", func(t *testing.T) {
		position, err := tokens.Read(list, "")
		require.NoError(t, err)
		require.Nil(t, position)
	})
	t.Run("a token of another list or another key is refused", func(t *testing.T) {
		_, err := tokens.Read([]byte("ListOrders oldest first"), token)
		require.Equal(t, fault.ReasonInvalidPageToken, fault.ReasonOf(err))
		_, err = pagetoken.New([]byte("other")).Read(list, token)
		require.Equal(t, fault.ReasonInvalidPageToken, fault.ReasonOf(err))
	})
	t.Run("a token with any character changed is refused", func(t *testing.T) {
		for i := range token {
			forged := []byte(token)
			forged[i] ^= 1
			_, err := tokens.Read(list, string(forged))
			require.Equal(t, fault.ReasonInvalidPageToken, fault.ReasonOf(err), string(forged))
		}
	})
}

func FuzzRead(f *testing.F) {
	tokens := pagetoken.New([]byte("key"))
	f.Add(tokens.Make(list, []byte("here")))
	f.Add("AAAA")
	f.Add("!")
	f.Fuzz(func(t *testing.T, token string) {
		position, err := tokens.Read(list, token)
		if err != nil {
			require.Equal(t, fault.ReasonInvalidPageToken, fault.ReasonOf(err))
			return
		}
		if token != "" {
			require.Equal(t, token, tokens.Make(list, position))
		}
	})
}
