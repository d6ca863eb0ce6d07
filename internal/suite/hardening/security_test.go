package hardening

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/turold/turold/transport"
)

// TestDefaultsAreWhatSecuritySays compares the table with what is in force.
func TestDefaultsAreWhatSecuritySays(t *testing.T) {
	page, err := os.ReadFile("../../../SECURITY.md")
	require.NoError(t, err)
	defaults := transport.Limits{}.WithDefaults()
	for name, value := range map[string]int{"Bytes": defaults.Bytes, "Messages": defaults.Messages, "Depth": defaults.Depth, "Header": defaults.Header} {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| [^|]* \| ([0-9,]+)( KiB| MiB)?[^|]* \| .Limits\.%s. \|$`, name)).FindSubmatch(page)
		require.NotNil(t, row, name)
		said, err := strconv.Atoi(strings.ReplaceAll(string(row[1]), ",", ""))
		require.NoError(t, err)
		require.Equal(t, value, said*map[string]int{"": 1, " KiB": 1 << 10, " MiB": 1 << 20}[string(row[2])], name)
	}
}
