// A container runtime's network part, and no more: it calls libcni, the library by which containerd, CRI-O and Podman
// call CNI plugins, and prints what that returns as JSON.
//
//	runtime add|check|del CONFLIST CONTAINER NETNS IFNAME [IP]
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	list, err := libcni.ConfListFromFile(args[1])
	if err != nil {
		return err
	}
	paths := filepath.SplitList(os.Getenv("CNI_PATH"))
	cni := libcni.NewCNIConfigWithCacheDir(paths, os.Getenv("CNI_CACHE"), nil)
	rt := &libcni.RuntimeConf{ContainerID: args[2], NetNS: args[3], IfName: args[4]}
	if len(args) > 5 {
		rt.CapabilityArgs = map[string]interface{}{"ips": []string{args[5]}}
	}
	ctx := context.Background()
	switch args[0] {
	case "add":
		result, err := cni.AddNetworkList(ctx, list, rt)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	case "check":
		return cni.CheckNetworkList(ctx, list, rt)
	case "del":
		return cni.DelNetworkList(ctx, list, rt)
	case "validate":
		capabilities, err := cni.ValidateNetworkList(ctx, list)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(capabilities)
	}
	return fmt.Errorf("no verb %s", args[0])
}
