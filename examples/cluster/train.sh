#!/bin/sh
# Train on several hosts. Run the same line on each: sh train.sh HOST:PORT HOSTS PROCESSES ARGUMENTS-OF-SOLVE-TRAIN...
# HOST is any one of the hosts; PROCESSES is the number of GPUs of each.
meeting=$1 hosts=$2 processes=$3
shift 3
exec torchrun --nnodes "$hosts" --nproc-per-node "$processes" --rdzv-backend c10d --rdzv-endpoint "$meeting" \
    --no-python solve train "$@"
