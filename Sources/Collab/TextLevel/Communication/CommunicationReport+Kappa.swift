extension CommunicationReport {
    /// How much more several raters agree than they would by chance, over many items: κ = (P̄ − P̄ₑ) ∕ (1 − P̄ₑ).
    ///
    /// J. L. Fleiss, *Measuring nominal scale agreement among many raters*, 1971: with nᵢⱼ the raters who put item i into
    /// class j, P̄ is the mean over the items of Σⱼ nᵢⱼ (nᵢⱼ − 1) ∕ (nᵢ (nᵢ − 1)), and P̄ₑ = Σⱼ pⱼ² from the shares pⱼ of the
    /// classes among all ratings. 1 is perfect agreement, 0 what chance gives. It may have fewer ratings of some items; items
    /// with fewer than two that could be read are left out.
    ///
    /// - Returns: `nil` if nothing can be said: no item with two ratings, or one class alone.
    public static func fleissKappa(_ items: [[Answer]]) -> Double? {
        var (agreement, count, ratings) = (0.0, 0, 0)
        var classes: [Answer: Int] = [:]
        for item in items {
            let parsed = item.filter(\.isParsed)
            guard parsed.count >= 2 else { continue }
            var counts: [Answer: Int] = [:]
            for answer in parsed { counts[answer, default: 0] += 1 }
            let pairs = counts.values.reduce(0) { $0 + $1 * ($1 - 1) }
            agreement += Double(pairs) / Double(parsed.count * (parsed.count - 1))
            count += 1
            ratings += parsed.count
            classes.merge(counts, uniquingKeysWith: +)
        }
        guard count > 0, classes.count > 1 else { return nil }
        let chance = classes.values.sorted().reduce(0.0) {
            $0 + Double($1) * Double($1) / (Double(ratings) * Double(ratings))
        }
        return (agreement / Double(count) - chance) / (1 - chance)
    }
}
