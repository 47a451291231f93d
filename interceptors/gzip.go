package interceptors

import (
	"compress/gzip"
	"errors"
	"io"

	"connectrpc.com/connect"
)

// slackBytes is how far beyond a limit reading may go, so that connect can see that it was passed.
const slackBytes = 1 << 10

var errBomb = errors.New("message is larger than it may be once decompressed")

// limitedGzip is gzip that stops soon after the limit. Connect's own reads a bomb to its end, only to
// tell how large it was.
func limitedGzip(maxBytes int) connect.HandlerOption {
	limit := int64(maxBytes) + slackBytes
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &limitedReader{limit: limit} },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) },
	)
}

type limitedReader struct {
	gzip.Reader
	limit, left int64
}

func (r *limitedReader) Reset(source io.Reader) error {
	r.left = r.limit
	return r.Reader.Reset(source)
}

func (r *limitedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errBomb
	}
	n, err := r.Reader.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}
