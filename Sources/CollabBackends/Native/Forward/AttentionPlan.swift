/// Which worker attends for which rows and heads of a step.
///
/// The query heads that share keys and values stay together, so that those are read once; only where there are too
/// few of such groups for the workers are they taken apart. Work is shared by how many positions are visible.
struct AttentionPlan {
    /// Consecutive rows of a segment, and some of their query heads.
    struct Item: Equatable {
        var segment: Int
        var row: Int
        var count: Int
        /// Where the first row's result goes.
        var target: Int
        var heads: Range<Int>
    }

    /// How many rows attend together.
    static let rowsAtOnce = 16
    /// Groups of heads a worker must have to be balanced well enough.
    private static let leastUnits = 4

    /// The items by worker.
    let items: [[Item]]

    /// - Parameters:
    ///   - segments: the rows of each segment.
    ///   - wanted: the rows whose results are needed, ascending, if not all; results come to lie side by side.
    ///   - heads: how many query heads there are, and how many of them share keys and values.
    ///   - workers: how many workers there are.
    ///   - visible: how many positions a row sees.
    init(
        segments: [Range<Int>],
        wanted: [Int]?,
        heads: (count: Int, shared: Int),
        workers: Int,
        visible: (Int) -> Int
    ) {
        let tiles = Self.tiles(of: segments, wanted: wanted)
        let isPlentiful = tiles.count * heads.count / heads.shared >= Self.leastUnits * workers
        let unit = isPlentiful ? heads.shared : 1
        let units = heads.count / unit
        let costs = tiles.map { tile in (tile.row..<tile.row + tile.count).reduce(0) { $0 + visible($1) } }
        let total = max(1, costs.reduce(0, +) * units)
        var items = [[Item]](repeating: [], count: workers)
        var done = 0
        for (tile, cost) in zip(tiles, costs) {
            for index in 0..<units {
                // By the middle of the unit's place in the whole.
                let worker = min((2 * done + cost) * workers / (2 * total), workers - 1)
                done += cost
                let heads = index * unit..<(index + 1) * unit
                if let last = items[worker].last, last.row == tile.row,
                    last.heads.upperBound == heads.lowerBound
                {
                    items[worker][items[worker].count - 1].heads = last.heads.lowerBound..<heads.upperBound
                } else {
                    var item = tile
                    item.heads = heads
                    items[worker].append(item)
                }
            }
        }
        self.items = items
    }

    private static func tiles(of segments: [Range<Int>], wanted: [Int]?) -> [Item] {
        var tiles: [Item] = []
        func add(_ rows: Range<Int>, _ segment: Int, target: Int) {
            for row in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtOnce) {
                let count = min(rowsAtOnce, rows.upperBound - row)
                let place = target + row - rows.lowerBound
                tiles.append(Item(segment: segment, row: row, count: count, target: place, heads: 0..<0))
            }
        }
        for (segment, rows) in segments.enumerated() {
            guard let wanted else {
                add(rows, segment, target: rows.lowerBound)
                continue
            }
            let inside = wanted.indices.filter { rows.contains(wanted[$0]) }
            var first = inside.startIndex
            while first < inside.endIndex {
                var end = first + 1
                while end < inside.endIndex, wanted[inside[end]] == wanted[inside[end - 1]] + 1 { end += 1 }
                let row = wanted[inside[first]]
                add(row..<row + end - first, segment, target: inside[first])
                first = end
            }
        }
        return tiles
    }
}
