package importer

import (
	"errors"
	"fmt"
	"io"
)

// maxProducts bounds the memory that product names may take.
const maxProducts = 200_000

// productNames reads the names of Northwind's products, by id. None without a file.
func productNames(in *input) (names map[string]string, err error) {
	names = map[string]string{}
	if in == nil {
		return names, nil
	}
	t, err := openTable(*in)
	if err != nil {
		return nil, err
	}
	defer t.close()
	at, ok := t.index(productColumns...)
	if !ok {
		return nil, &FileError{File: in.name, Line: 1, Column: 1, Err: errLayout}
	}
	for {
		row, err := t.read()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		if len(names) == maxProducts {
			return nil, fmt.Errorf("%s has more than %d products", in.name, maxProducts)
		}
		names[row.Fields[at[0]]] = row.Fields[at[1]]
	}
}
