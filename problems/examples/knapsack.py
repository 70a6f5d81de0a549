# A CPMpy model: the most valuable load of at most 10 kg. Read it with: solve knapsack.py --trust
import cpmpy as cp

weights, values = [5, 4, 3, 2], [9, 8, 5, 3]
packed = cp.boolvar(shape=4, name="packed")
model = cp.Model(cp.sum(weights * packed) <= 10, maximize=cp.sum(values * packed))
