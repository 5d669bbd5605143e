import Collab
import CollabBackends

extension PlanBuilder {
    /// Notes filters that occur in no name of any of the models' tensors: they may be misspelt.
    mutating func noteFilters(among models: [any Checkpoint]) {
        let names = Set(models.flatMap { $0.tensors.map(\.name) })
        for scope in document.parameterScopes {
            for (key, setting) in scope.sorted(by: { $0.key < $1.key }) {
                for filter in setting.rules.compactMap(\.filter)
                where filter != "*" && !names.contains(where: { $0.contains(filter) }) {
                    note("The filter “\(filter)” of “\(key)” occurs in no tensor's name.")
                }
            }
        }
    }

    /// Notes the matrices that are too large for the method, and get something simpler.
    mutating func noteLargeMatrices() {
        for (limit, names) in largeMatrices.sorted(by: { $0.key < $1.key }) {
            let first = names.prefix(3).map { "“\($0)”" }.joined(separator: ", ")
            let rest = names.count > 3 ? " and \(names.count - 3) more" : ""
            let (subject, object) =
                names.count == 1
                ? ("1 matrix has more than \(limit) elements and gets", "it")
                : ("\(names.count) matrices have more than \(limit) elements and get", "them")
            note(
                "\(subject) the mean of the task vectors, not what \(schema.name) does to smaller ones: "
                    + "\(first)\(rest). A larger “\(MethodSchema.largestMatrix)” has \(object) merged whole."
            )
        }
    }

    /// Notes that the result gets no `config.json`.
    mutating func noteMissingConfiguration(of donor: any Checkpoint) {
        guard let specification = donor.specification as? HuggingFaceSpecification,
            specification.configuration.objectValue?.isEmpty ?? true
        else { return }
        note("\(donor.name) has no config.json; neither has the result.")
    }

    /// Notes that the configuration that the result gets speaks of quantised weights, which the donor's are not.
    mutating func noteQuantisation(of donor: any Checkpoint) {
        guard let specification = donor.specification as? HuggingFaceSpecification,
            ResultConfiguration.claimsQuantisation(specification.configuration)
        else { return }
        note(
            "“quantization_config” in the config.json of \(donor.name) says that the weights are quantised, which they are "
                + "not; left out."
        )
    }
}
