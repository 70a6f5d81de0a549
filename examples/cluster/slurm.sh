#!/bin/sh
# Solve a folder by an array of Slurm jobs, and merge their stores: sh slurm.sh FOLDER JOBS
sbatch --wait --array "1-$2" --wrap "solve '$1' -q --shard \$SLURM_ARRAY_TASK_ID/$2 --skip-solved --store runs-\$SLURM_ARRAY_TASK_ID.db"
solve history merge runs-*.db --into runs.db
