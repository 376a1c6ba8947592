package config

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Positions tells the line of each key and list item of a YAML document by its
// path, such as "account.pan" or "records[1].tags", so that a check of what was
// decoded can point into the file. Data that are not YAML have no positions.
func Positions(data []byte) map[string]int {
	lines := map[string]int{}
	var doc yaml.Node
	if len(data) <= MaxSize && yaml.Unmarshal(data, &doc) == nil {
		for _, n := range doc.Content {
			position(n, "", lines)
		}
	}
	return lines
}

func position(n *yaml.Node, path string, lines map[string]int) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if path != "" {
				key = path + "." + key
			}
			lines[key] = n.Content[i].Line
			position(n.Content[i+1], key, lines)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			key := path + "[" + strconv.Itoa(i) + "]"
			lines[key] = item.Line
			position(item, key, lines)
		}
	}
}
