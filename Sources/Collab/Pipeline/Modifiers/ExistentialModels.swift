// Modifiers of models whose type is not known: `any TextModel`, `any LogitModel`, `any WeightModel`.
//
// A modifier of a model of known type gives a type that names its base, which an existential cannot; these give an
// existential of the same access instead.

extension TextModel {
    /// The same model under another name.
    @_disfavoredOverload
    public func named(_ name: String) -> any TextModel { (self.named(name) as AdaptedModel<Self>) }

    /// The same model with standing instructions in front of every request.
    @_disfavoredOverload
    public func system(_ instructions: String) -> any TextModel {
        (self.system(instructions) as AdaptedModel<Self>)
    }

    /// The same model, which writes every answer with changed options.
    @_disfavoredOverload
    public func options(_ change: @escaping @Sendable (inout GenerationOptions) -> Void) -> any TextModel {
        (self.options(change) as AdaptedModel<Self>)
    }

    /// The same model, which chooses every token in a given way.
    @_disfavoredOverload
    public func sampling(_ sampling: Sampling) -> any TextModel {
        (self.sampling(sampling) as AdaptedModel<Self>)
    }

    /// The same model, whose calls are booked at a price.
    @_disfavoredOverload
    public func priced(_ price: Price) -> any TextModel { (self.priced(price) as AdaptedModel<Self>) }

    /// The same model, of which the program declares where its requests go.
    @_disfavoredOverload
    public func located(_ locality: ModelProfile.Locality) -> any TextModel {
        (self.located(locality) as AdaptedModel<Self>)
    }

    /// The same model with further tags, by which whoever chooses among models may ask for it.
    @_disfavoredOverload
    public func tagged(_ tags: String...) -> any TextModel {
        var known = profile
        known.tags.formUnion(tags)
        return AdaptedModel(self, profile: known)
    }

    /// The same model, which may be used for so much within a period, over all runs and copies of the returned value.
    @_disfavoredOverload
    public func allowing(_ allowance: Allowance) -> any TextModel {
        AllowedModel(base: self, allowance: allowance)
    }

    /// The same model, whose decisions are kept with what came of them.
    @_disfavoredOverload
    public func logging(
        to recorder: some OutcomeRecorder,
        kind: @escaping @Sendable (Request) -> String? = { _ in nil },
        features: @escaping @Sendable (Request) async throws -> [Float]? = { _ in nil },
        quality: @escaping @Sendable (_ request: Request, _ text: String) async throws -> Double? = { _, _ in
            nil
        }
    ) -> any TextModel {
        LoggedModel(
            base: self,
            recorder: recorder,
            judgement: .init(kind: kind, features: features, quality: quality)
        )
    }

    /// The same model, whose failed calls are made again.
    @_disfavoredOverload
    public func retrying(_ retry: Retry = Retry(), budget: RetryBudget = RetryBudget()) -> any TextModel {
        RetryingModel(base: self, retry: retry, budget: budget)
    }

    /// The same model, which has only so much time for an answer, on the run's clock.
    @_disfavoredOverload
    public func timeout(_ limit: Duration) -> any TextModel { TimedModel(base: self, limit: limit) }

    /// The same model, of which at most so many calls run at the same time.
    @_disfavoredOverload
    public func limited(to limit: Int) -> any TextModel {
        LimitedModel(base: self, limiter: ConcurrencyLimiter(limit: limit))
    }

    /// The same model, asked no more often than a limit allows.
    @_disfavoredOverload
    public func rateLimited(_ limit: RateLimit) -> any TextModel {
        (self.rateLimited(limit) as RateLimitedModel<Self>)
    }

    /// The same model, asked for so many requests and tokens a minute at most.
    @_disfavoredOverload
    public func rateLimited(
        requestsPerMinute: Double? = nil,
        tokensPerMinute: Double? = nil
    ) -> any TextModel {
        let limit = RateLimit(requestsPerMinute: requestsPerMinute, tokensPerMinute: tokensPerMinute)
        return (self.rateLimited(limit) as RateLimitedModel<Self>)
    }

    /// The same model, which is not asked for a while after it has failed too often.
    @_disfavoredOverload
    public func circuitBreaking(_ rule: CircuitRule = CircuitRule()) -> any TextModel {
        (self.circuitBreaking(rule) as CircuitBreakingModel<Self>)
    }

    /// The same model behind a circuit that others may share.
    @_disfavoredOverload
    public func circuitBreaking(_ breaker: CircuitBreaker) -> any TextModel {
        (self.circuitBreaking(breaker) as CircuitBreakingModel<Self>)
    }
}

extension LogitModel {
    /// The same model under another name.
    @_disfavoredOverload
    public func named(_ name: String) -> any LogitModel { (self.named(name) as AdaptedModel<Self>) }

    /// The same model with standing instructions in front of every request.
    @_disfavoredOverload
    public func system(_ instructions: String) -> any LogitModel {
        (self.system(instructions) as AdaptedModel<Self>)
    }

    /// The same model, which writes every answer with changed options.
    @_disfavoredOverload
    public func options(_ change: @escaping @Sendable (inout GenerationOptions) -> Void) -> any LogitModel {
        (self.options(change) as AdaptedModel<Self>)
    }

    /// The same model, which chooses every token in a given way.
    @_disfavoredOverload
    public func sampling(_ sampling: Sampling) -> any LogitModel {
        (self.sampling(sampling) as AdaptedModel<Self>)
    }

    /// The same model, whose calls are booked at a price.
    @_disfavoredOverload
    public func priced(_ price: Price) -> any LogitModel { (self.priced(price) as AdaptedModel<Self>) }
}

extension WeightModel {
    /// The same model under another name.
    @_disfavoredOverload
    public func named(_ name: String) -> any WeightModel { (self.named(name) as AdaptedModel<Self>) }

    /// The same model with standing instructions in front of every request.
    @_disfavoredOverload
    public func system(_ instructions: String) -> any WeightModel {
        (self.system(instructions) as AdaptedModel<Self>)
    }

    /// The same model, which writes every answer with changed options.
    @_disfavoredOverload
    public func options(_ change: @escaping @Sendable (inout GenerationOptions) -> Void) -> any WeightModel {
        (self.options(change) as AdaptedModel<Self>)
    }

    /// The same model, which chooses every token in a given way.
    @_disfavoredOverload
    public func sampling(_ sampling: Sampling) -> any WeightModel {
        (self.sampling(sampling) as AdaptedModel<Self>)
    }

    /// The same model, whose calls are booked at a price.
    @_disfavoredOverload
    public func priced(_ price: Price) -> any WeightModel { (self.priced(price) as AdaptedModel<Self>) }
}
