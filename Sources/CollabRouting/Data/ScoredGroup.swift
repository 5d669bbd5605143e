/// Models that were scored on the same questions: what is computed from the questions alone is computed for all of
/// them at once.
struct ScoredGroup {
    /// The models' places.
    let models: [Int]
    /// The questions that they were scored on.
    let features: FeatureTable
    /// One row a question, one column a model of the group.
    let targets: Table
}

extension TrainingSet {
    /// Finds the models that were scored on the same questions; those that were scored on none are in no group.
    func scoredGroups() -> [ScoredGroup] {
        let scores = knownScores
        let known = models.indices.map { model in (0..<count).filter { !scores[$0, model].isNaN } }
        let groups = Dictionary(grouping: models.indices, by: { known[$0] })
        return groups.filter { !$0.key.isEmpty }.sorted { $0.value[0] < $1.value[0] }.map { places, models in
            var targets = Table(rows: places.count, columns: models.count)
            for (row, place) in places.enumerated() {
                for (column, model) in models.enumerated() { targets[row, column] = scores[place, model] }
            }
            return ScoredGroup(
                models: models,
                features: places.count == count ? features : features.selecting(places),
                targets: targets
            )
        }
    }
}
