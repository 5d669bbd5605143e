import Collab

/// The method of one slice: for every tensor it looks up what the configuration says, and does that.
struct SliceMethod: MergeMethod {
    let schema: MethodSchema
    /// Where task vectors are measured from.
    let base: CheckpointView?
    /// The members with their own parameters, in the order of the configuration; the base is not among them unless
    /// the method treats it as a member.
    let members: [(view: CheckpointView, parameters: ParameterScope)]
    /// The scopes of the slice, the module and the document, the one that counts first in front.
    let scopes: [ParameterScope]
    /// Where the slice's layers stand in the result.
    let layers: SliceLayers
    let seed: UInt64
    /// The tensors of the slice.
    let tensors: [TensorDescription]
    /// The members' statistics, where the method reads some.
    let statistics: [ModelStatistics]

    var name: String { schema.name }

    var baseline: MergeBaseline { base.map { .checkpoint($0) } ?? .none }

    func validate(memberCount: Int) throws(CollabError) {
        for tensor in tensors {
            do throws(CollabError) {
                try method(for: tensor.name).validate(memberCount: memberCount)
            } catch {
                throw error.within("“\(tensor.name)” by \(schema.name)")
            }
        }
    }

    func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        try method(for: inputs.tensor.name).prepare(inputs)
    }

    func keepsEqual(tensor: String, memberCount: Int) -> Bool {
        guard let method = try? method(for: tensor) else { return false }
        return method.keepsEqual(tensor: tensor, memberCount: memberCount)
    }

    func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        guard let method = try? method(for: tensor.name) else { return 0 }
        return method.workingByteCount(of: tensor, memberCount: memberCount)
    }

    func scratchByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        guard let method = try? method(for: tensor.name) else { return 0 }
        return method.scratchByteCount(of: tensor, memberCount: memberCount)
    }

    func elementLimit(of tensor: TensorDescription) -> Int? {
        (try? method(for: tensor.name))?.elementLimit(of: tensor)
    }

    /// The method with the values that hold for one tensor.
    func method(for tensor: String) throws(CollabError) -> any MergeMethod {
        var values = ResolvedParameters()
        values.base = base
        values.seed = seed
        values.statistics = statistics
        let depth = layers.depth(of: tensor)
        for (key, parameter) in schema.parameters {
            if case .path = parameter.kind { continue }
            if parameter.isOwn {
                var numbers: [Double] = []
                for (view, own) in members {
                    let original = view.original(of: tensor)
                    let setting = own[key]?.value(for: original, depth: depth) ?? common(key, tensor, depth)
                    guard case .number(let number)? = setting ?? parameter.fallback else {
                        throw missing(key, of: view.name, tensor)
                    }
                    numbers.append(number)
                }
                values.own[key] = numbers
                continue
            }
            switch common(key, tensor, depth) ?? parameter.fallback {
            case .number(let number)?: values.numbers[key] = number
            case .flag(let flag)?: values.flags[key] = flag
            case .text?, nil: throw missing(key, of: nil, tensor)
            }
        }
        return schema.make(values)
    }

    private func common(_ key: String, _ tensor: String, _ depth: Double) -> Setting? {
        for scope in scopes {
            if let setting = scope[key]?.value(for: tensor, depth: depth) { return setting }
        }
        return nil
    }

    private func missing(_ key: String, of model: String?, _ tensor: String) -> CollabError {
        let whose = model.map { " for \($0)" } ?? ""
        return CollabError(
            .invalidRequest,
            "The method \(schema.name) needs “\(key)”\(whose); nothing says what it is for “\(tensor)”."
        )
    }
}
