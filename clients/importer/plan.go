package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// shop is one set of files that is read together: a file of Online Retail, or Northwind's orders
// with their lines and, when they are there, the names of the products.
type shop struct {
	retail, orders, details, products *input
}

// found is a file with what it holds.
type found struct {
	input
	layout layout
}

// planFiles finds out what the paths hold. A folder stands for its .csv and .csv.gz files by name,
// without those of other layouts; a file that is named must be of a known layout.
func planFiles(paths []string) ([]shop, error) {
	var files []found
	for _, path := range paths {
		more, err := findFiles(path)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	shops, err := planShops(files)
	if err == nil && len(shops) == 0 {
		err = errors.New("nothing to import: no file of Online Retail and no orders of Northwind")
	}
	return shops, err
}

func findFiles(path string) ([]found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		file, err := findFile(path)
		return []found{file}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []found
	for _, entry := range entries {
		if entry.IsDir() || !isTable(entry.Name()) {
			continue
		}
		file, err := findFile(filepath.Join(path, entry.Name()))
		if errors.Is(err, errLayout) {
			continue
		} else if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func findFile(path string) (found, error) {
	in, err := openFile(path)
	if err != nil {
		return found{}, err
	}
	kind, err := detect(in)
	return found{input: in, layout: kind}, err
}

// planShops makes shops in the order of the files. Northwind's details and products are those of
// the same folder, named or not, or else the only ones that were named.
func planShops(files []found) ([]shop, error) {
	var shops []shop
	used := map[string]bool{}
	for i := range files {
		switch file := &files[i]; file.layout {
		case layoutRetail:
			shops = append(shops, shop{retail: &file.input})
		case layoutOrders:
			details, err := companion(files, file.name, layoutDetails, "order_details")
			if err != nil {
				return nil, err
			}
			if details == nil {
				return nil, fmt.Errorf("%s: no order_details.csv was given or stands beside it", file.name)
			}
			products, err := companion(files, file.name, layoutProducts, "products")
			if err != nil {
				return nil, err
			}
			used[details.name] = true
			shops = append(shops, shop{orders: &file.input, details: details, products: products})
		default: // goes with its orders, or is not needed
		}
	}
	for _, file := range files {
		if file.layout == layoutDetails && !used[file.name] {
			return nil, fmt.Errorf("%s: its orders were not given", file.name)
		}
	}
	return shops, nil
}

// companion finds the file of a layout that belongs to an orders file, or nil.
func companion(files []found, orders string, kind layout, name string) (*input, error) {
	var given []*input
	for i := range files {
		if files[i].layout != kind {
			continue
		}
		if filepath.Dir(files[i].name) == filepath.Dir(orders) {
			return &files[i].input, nil
		}
		given = append(given, &files[i].input)
	}
	if len(given) == 1 {
		return given[0], nil
	}
	for _, ending := range []string{".csv", ".csv.gz"} {
		path := filepath.Join(filepath.Dir(orders), name+ending)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		file, err := findFile(path)
		if err != nil {
			return nil, err
		}
		if file.layout == kind {
			return &file.input, nil
		}
	}
	return nil, nil
}
