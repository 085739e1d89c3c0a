failed=0
for i in $(seq "$REPEAT"); do
  vmrig test @{suite} @{bench_args} --tag bench --filter "$FILTER" -j 1 --output "@{results}/$i" || failed=1
done
exit "$failed"
