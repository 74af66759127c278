// SPDX-License-Identifier: Apache-2.0
// The commands of sevencast-explore beside the front of bit operations; each returns an exit code.
#ifndef SEVENCAST_EXPLORE_COMMANDS_H
#define SEVENCAST_EXPLORE_COMMANDS_H

int budget_command(int argc, char **argv);  // --device
int deploy_command(int argc, char **argv);  // deploy
int compare_command(int argc, char **argv); // compare

#endif
