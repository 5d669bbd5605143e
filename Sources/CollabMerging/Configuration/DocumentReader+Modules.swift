import Collab

extension DocumentReader {
    /// Reads what a configuration merges: `modules`, or `models` or `slices` of everything.
    func modules(
        _ members: [String: YAMLNode],
        of node: YAMLNode
    ) throws(CollabError) -> [MergeDocument.Module] {
        guard let list = members["modules"] else {
            return [MergeDocument.Module(slices: try slices(members, of: node))]
        }
        guard case .mapping(let named) = list.content, !named.isEmpty else {
            throw list.error("modules should be a mapping of modules' names to models or slices of each.")
        }
        if let slices = members["slices"], named.count > 1 {
            throw slices.error("slices stand beside several modules, which count their layers by themselves.")
        }
        var modules: [MergeDocument.Module] = []
        for member in named { modules.append(try module(member, beside: members)) }
        return modules
    }

    /// Reads one module; what it does not list itself is listed beside all modules.
    private func module(
        _ member: YAMLNode.Member,
        beside members: [String: YAMLNode]
    ) throws(CollabError) -> MergeDocument.Module {
        var inner = try member.value.members("a module", known: ["models", "slices", "parameters"])
        let isEmpty = inner["models"] == nil && inner["slices"] == nil
        for key in ["models", "slices"] {
            guard let outer = members[key] else { continue }
            guard isEmpty else { throw member.value.error("\(key) stand beside modules, too.") }
            inner[key] = outer
        }
        return MergeDocument.Module(
            name: member.key,
            slices: try slices(inner, of: member.value),
            parameters: try parameters(inner["parameters"], in: .document)
        )
    }

    /// Reads `slices`, or `models` as one slice of all layers.
    private func slices(
        _ members: [String: YAMLNode],
        of node: YAMLNode
    ) throws(CollabError) -> [MergeDocument.Slice] {
        switch (members["models"], members["slices"]) {
        case (let models?, nil):
            var sources: [MergeDocument.Source] = []
            for item in try models.items("models") { sources.append(try source(item, hasLayers: false)) }
            guard !sources.isEmpty else { throw models.error("models is an empty list.") }
            return [MergeDocument.Slice(sources: sources)]
        case (nil, let list?):
            var slices: [MergeDocument.Slice] = []
            for item in try list.items("slices") { slices.append(try slice(item)) }
            guard !slices.isEmpty else { throw list.error("slices is an empty list.") }
            return slices
        case (nil, nil): throw node.error("The configuration has neither models nor slices nor modules.")
        case (_?, let slices?):
            throw slices.error("The configuration has both models and slices; it may have one.")
        }
    }
}
