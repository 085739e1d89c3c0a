/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "pipeline/private.h"

#define DEBIAN   "debian:12"
#define NO_IMAGE "none"
#define WORKFLOW ".github/workflows/vmrig.yml"

static const struct pipeline_traits platforms[PIPELINE_PLATFORMS] = {
	[PIPELINE_GITHUB] = { "github", WORKFLOW, "github.yml", DEBIAN, "ubuntu-24.04",
		.images = true, .machine = true },
	[PIPELINE_ACTUATED] = { "actuated", WORKFLOW, "github.yml", DEBIAN, "actuated-4cpu-8gb",
		.images = true, .machine = true },
	[PIPELINE_SELF_HOSTED] = { "self-hosted", WORKFLOW, "github.yml", NO_IMAGE,
		"[self-hosted, linux, x64]", "[self-hosted, linux, x64, kvm]", .own_machines = true,
		.images = true, .machine = true },
	[PIPELINE_GITLAB] = { "gitlab", ".gitlab-ci.yml", "gitlab.yml", DEBIAN, NULL, "kvm",
		.images = true },
	[PIPELINE_BUILDKITE] = { "buildkite", ".buildkite/pipeline.yml", "buildkite.yml", NO_IMAGE,
		"default", "kvm", .own_machines = true, .machine = true, .doubles_dollars = true },
	[PIPELINE_DRONE] = { "drone", ".drone.yml", "drone.yml", DEBIAN, NULL, "kvm",
		.images = true, .shared_workspace = true },
};

const struct pipeline_traits *pipeline_traits(enum pipeline_platform p)
{
	return &platforms[p];
}

const char *pipeline_platform_name(enum pipeline_platform p)
{
	return platforms[p].name;
}

int pipeline_platform_parse(const char *name, enum pipeline_platform *ret)
{
	for (int i = 0; i < PIPELINE_PLATFORMS; i++)
		if (streq(platforms[i].name, name)) {
			*ret = (enum pipeline_platform)i;
			return 0;
		}
	return -EINVAL;
}

const char *pipeline_path(enum pipeline_platform p)
{
	return platforms[p].path;
}

int pipeline_repository(const char *path, char **ret, struct err *e)
{
	_cleanup_free_ char *start = path_absolute(path, NULL);

	*ret = path_upwards(start, ".git");
	if (*ret)
		return 0;
	err_set(e, -ENOENT, "%s lies in no git repository", start);
	return err_hint(
		e, "A pipeline is of a repository: git init, or name a suite that lies in one.");
}
