//! The initiator's side of FIPA's protocols, for both classes of runtimes.

use caxton::{Brokered, Choose, ContractNet, DutchAuction, EnglishAuction};
use pyo3::prelude::*;
use pyo3::types::PyString;
use serde_json::value::RawValue;

use crate::encode::{encode_or_bytes, encode_raw, raw, type_name};
use crate::errors::{invalid_argument, to_py};
use crate::message::Message;
use crate::mode::{Mode, Value};
use crate::options::{Name, Participants, to_count, to_deadline, to_timeout};
use crate::register::current_task;
use crate::runtime::{AsyncRuntime, Inner, Runtime};

/// Who decides which proposal is accepted.
pub enum Chooser {
    Price(Choose),
    Function(Py<PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Chooser {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        if let Ok(text) = value.cast::<PyString>() {
            let choose = Choose::parse(&text.to_string_lossy());
            return choose.map(Chooser::Price).map_err(|error| to_py(py, &error));
        }
        if value.is_callable() {
            return Ok(Chooser::Function(value.to_owned().unbind()));
        }
        let text = format!(
            "choose is of type {}, expected \"lowest\", \"highest\" or a function",
            type_name(&value)
        );
        Err(invalid_argument(py, &text))
    }
}

/// A contract net as Python gives it.
struct Net<'a, 'py> {
    task: &'a Bound<'py, PyAny>,
    participants: Participants,
    deadline: f64,
    /// How many rounds there are; one where they are not counted.
    rounds: Option<i64>,
    timeout: Option<f64>,
}

/// What both auctions have in common.
struct Lot<'a, 'py> {
    item: &'a Bound<'py, PyAny>,
    bidders: Participants,
    start: f64,
    step: f64,
    reserve: Option<f64>,
    deadline: f64,
}

/// What is to be brokered.
struct Order<'a, 'py> {
    broker: Name,
    description: &'a Bound<'py, PyAny>,
    message: &'a Bound<'py, PyAny>,
    max_results: Option<i64>,
    timeout: Option<f64>,
}

impl Inner {
    fn query_if(
        &self,
        agent: &Name,
        proposition: &Bound<'_, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let py = proposition.py();
        let call = self.runtime.query_if(&agent.0, &encode_raw(proposition)?);
        let call = call.timeout(to_timeout(py, timeout)?).within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Truth) })
    }

    fn query_ref(
        &self,
        agent: &Name,
        reference: &Bound<'_, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let py = reference.py();
        let call = self.runtime.query_ref(&agent.0, &encode_raw(reference)?);
        let call = call.timeout(to_timeout(py, timeout)?).within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn request_when(
        &self,
        agent: &Name,
        action: &Bound<'_, PyAny>,
        condition: &Bound<'_, PyAny>,
        deadline: Option<f64>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let py = action.py();
        let deadline = deadline.map(|deadline| to_deadline(py, deadline)).transpose()?;
        let (action, condition) = (encode_raw(action)?, encode_raw(condition)?);
        let call = self.runtime.request_when(&agent.0, &action, &condition).deadline(deadline);
        let call = call.timeout(to_timeout(py, timeout)?).within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn propose(
        &self,
        agent: &Name,
        proposal: &Bound<'_, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let py = proposal.py();
        let call = self.runtime.propose(&agent.0, &encode_raw(proposal)?);
        let call = call.timeout(to_timeout(py, timeout)?).within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn subscribe_to(
        &self,
        agent: Name,
        content: &Bound<'_, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (py, runtime) = (content.py(), self.runtime.clone());
        let (content, timeout) = (encode_raw(content)?, to_timeout(py, timeout)?);
        let within = current_task(py)?;
        self.mode.run(py, async move {
            let informs = runtime.subscribe_to_within(&agent.0, &content, timeout, within);
            informs.await.map(Value::Informs)
        })
    }

    fn to_net(net: Net<'_, '_>) -> PyResult<ContractNet> {
        let py = net.task.py();
        let rounds = net.rounds.map(|rounds| to_count(py, "rounds", rounds)).transpose()?;
        Ok(ContractNet::new(&encode_raw(net.task)?, net.participants.0)
            .deadline(to_deadline(py, net.deadline)?)
            .timeout(to_timeout(py, net.timeout)?)
            .rounds(rounds.unwrap_or(1))
            .within(current_task(py)?))
    }

    fn contract_net(&self, net: Net<'_, '_>, choose: Chooser) -> PyResult<Py<PyAny>> {
        let (py, rounds) = (net.task.py(), net.rounds);
        let net = Self::to_net(net)?;
        let choose = match choose {
            Chooser::Function(choose) => return self.negotiate(py, net, rounds, choose),
            Chooser::Price(choose) => choose,
        };
        let runtime = self.runtime.clone();
        self.mode.run(py, async move {
            let outcome = match rounds {
                Some(_) => runtime.iterated_contract_net(net, choose).await?,
                None => runtime.contract_net(net, choose).await?,
            };
            Ok(Value::outcome(outcome, &runtime))
        })
    }

    /// A contract net that a function of the program decides.
    fn negotiate(
        &self,
        py: Python<'_>,
        net: ContractNet,
        rounds: Option<i64>,
        choose: Py<PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let runtime = self.runtime.clone();
        let call = async move {
            let tender = match rounds {
                Some(_) => runtime.call_for_iterated_proposals(net).await?,
                None => runtime.call_for_proposals(net).await?,
            };
            Ok(Value::Tender(Box::new(tender), runtime))
        };
        let negotiate = py.import("caxton._negotiate")?;
        match self.mode {
            Mode::Blocking => {
                negotiate.call_method1("check_plain", (&choose,))?;
                let tender = self.mode.run(py, call)?;
                Ok(negotiate.call_method1("decide", (tender, choose, rounds))?.unbind())
            }
            Mode::Async => {
                let tender = self.mode.run(py, call)?;
                Ok(negotiate.call_method1("decide_async", (tender, choose, rounds))?.unbind())
            }
        }
    }

    fn english_auction(
        &self,
        lot: Lot<'_, '_>,
        deliver: bool,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (py, runtime) = (lot.item.py(), self.runtime.clone());
        let item = encode_raw(lot.item)?;
        let mut auction = EnglishAuction::new(&item, lot.bidders.0, lot.start, lot.step)
            .reserve(lot.reserve)
            .deadline(to_deadline(py, lot.deadline)?)
            .timeout(to_timeout(py, timeout)?)
            .within(current_task(py)?);
        if deliver {
            auction = auction.deliver();
        }
        self.mode.run(py, async move {
            let outcome = runtime.english_auction(auction).await?;
            Ok(Value::outcome(outcome, &runtime))
        })
    }

    fn dutch_auction(&self, lot: Lot<'_, '_>) -> PyResult<Py<PyAny>> {
        let (py, runtime) = (lot.item.py(), self.runtime.clone());
        let item = encode_raw(lot.item)?;
        let auction = DutchAuction::new(&item, lot.bidders.0, lot.start, lot.step)
            .reserve(lot.reserve)
            .deadline(to_deadline(py, lot.deadline)?)
            .within(current_task(py)?);
        self.mode.run(py, async move {
            let outcome = runtime.dutch_auction(auction).await?;
            Ok(Value::outcome(outcome, &runtime))
        })
    }

    fn brokered(&self, order: Order<'_, '_>, is_recruited: bool) -> PyResult<Py<PyAny>> {
        let (py, runtime) = (order.description.py(), self.runtime.clone());
        let (description, message) = (encode_raw(order.description)?, to_inner(order.message)?);
        let mut brokered = Brokered::new(order.broker.0, &description, &message)
            .timeout(to_timeout(py, order.timeout)?)
            .within(current_task(py)?);
        if let Some(most) = order.max_results {
            brokered = brokered.max_results(to_count(py, "max_results", most)? as usize);
        }
        self.mode.run(py, async move {
            let answers = match is_recruited {
                true => runtime.recruit(brokered).await?,
                false => runtime.broker(brokered).await?,
            };
            Ok(Value::Messages(answers))
        })
    }
}

/// A message that is the content of another.
fn to_inner(message: &Bound<'_, PyAny>) -> PyResult<Box<RawValue>> {
    let py = message.py();
    if let Ok(message) = message.cast::<Message>() {
        return raw(py, message.get().json().to_vec());
    }
    if let Ok(text) = message.cast::<PyString>() {
        return raw(py, text.to_string_lossy().into_owned().into_bytes());
    }
    raw(py, encode_or_bytes(message)?)
}

macro_rules! negotiation_methods {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// Asks whether something is true. `timeout` in seconds.
            #[pyo3(signature = (agent, proposition, *, timeout=30.0))]
            fn query_if(
                &self,
                agent: Name,
                proposition: &Bound<'_, PyAny>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                self.0.query_if(&agent, proposition, timeout)
            }

            /// Asks what something is. `timeout` in seconds.
            #[pyo3(signature = (agent, reference, *, timeout=30.0))]
            fn query_ref(
                &self,
                agent: Name,
                reference: &Bound<'_, PyAny>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                self.0.query_ref(&agent, reference, timeout)
            }

            /// Has something done once a condition holds. `deadline` and `timeout` in seconds.
            #[pyo3(signature = (agent, action, condition, *, deadline=None, timeout=None))]
            fn request_when(
                &self,
                agent: Name,
                action: &Bound<'_, PyAny>,
                condition: &Bound<'_, PyAny>,
                deadline: Option<f64>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                self.0.request_when(&agent, action, condition, deadline, timeout)
            }

            /// Offers to do something. `timeout` in seconds.
            #[pyo3(signature = (agent, proposal, *, timeout=30.0))]
            fn propose(
                &self,
                agent: Name,
                proposal: &Bound<'_, PyAny>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                self.0.propose(&agent, proposal, timeout)
            }

            /// Subscribes to what an agent tells. `timeout` in seconds.
            #[pyo3(signature = (agent, content, *, timeout=30.0))]
            fn subscribe_to(
                &self,
                agent: Name,
                content: &Bound<'_, PyAny>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                self.0.subscribe_to(agent, content, timeout)
            }

            /// Gives a task to who makes the best offer. `deadline` and `timeout` in seconds.
            #[pyo3(
                signature = (task, participants, *, deadline=30.0, choose=Chooser::Price(Choose::Lowest), timeout=30.0),
                text_signature = "($self, task, participants, *, deadline=30.0, choose=\"lowest\", timeout=30.0)"
            )]
            fn contract_net(
                &self,
                task: &Bound<'_, PyAny>,
                participants: Participants,
                deadline: f64,
                choose: Chooser,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                let net = Net { task, participants, deadline, rounds: None, timeout };
                self.0.contract_net(net, choose)
            }

            /// The same over several rounds.
            #[pyo3(
                signature = (task, participants, *, deadline=30.0, choose=Chooser::Price(Choose::Lowest), rounds=3, timeout=30.0),
                text_signature = "($self, task, participants, *, deadline=30.0, choose=\"lowest\", rounds=3, timeout=30.0)"
            )]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn iterated_contract_net(
                &self,
                task: &Bound<'_, PyAny>,
                participants: Participants,
                deadline: f64,
                choose: Chooser,
                rounds: i64,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                let net = Net { task, participants, deadline, rounds: Some(rounds), timeout };
                self.0.contract_net(net, choose)
            }

            /// Sells something to whoever bids most. `deadline` and `timeout` in seconds.
            #[pyo3(signature = (item, bidders, *, start, step, reserve=None, deadline=5.0, deliver=false, timeout=30.0))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn english_auction(
                &self,
                item: &Bound<'_, PyAny>,
                bidders: Participants,
                start: f64,
                step: f64,
                reserve: Option<f64>,
                deadline: f64,
                deliver: bool,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                let lot = Lot { item, bidders, start, step, reserve, deadline };
                self.0.english_auction(lot, deliver, timeout)
            }

            /// Sells something to whoever bids first while the price goes down.
            #[pyo3(signature = (item, bidders, *, start, step, reserve=None, deadline=5.0))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn dutch_auction(
                &self,
                item: &Bound<'_, PyAny>,
                bidders: Participants,
                start: f64,
                step: f64,
                reserve: Option<f64>,
                deadline: f64,
            ) -> PyResult<Py<PyAny>> {
                self.0.dutch_auction(Lot { item, bidders, start, step, reserve, deadline })
            }

            /// Has a broker find agents and hand on what they answer. `timeout` in seconds.
            #[pyo3(signature = (broker, description, message, *, max_results=None, timeout=30.0))]
            fn broker(
                &self,
                broker: Name,
                description: &Bound<'_, PyAny>,
                message: &Bound<'_, PyAny>,
                max_results: Option<i64>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                let order = Order { broker, description, message, max_results, timeout };
                self.0.brokered(order, false)
            }

            /// Has a recruiter find agents, which answer directly. `timeout` in seconds.
            #[pyo3(signature = (broker, description, message, *, max_results=None, timeout=30.0))]
            fn recruit(
                &self,
                broker: Name,
                description: &Bound<'_, PyAny>,
                message: &Bound<'_, PyAny>,
                max_results: Option<i64>,
                timeout: Option<f64>,
            ) -> PyResult<Py<PyAny>> {
                let order = Order { broker, description, message, max_results, timeout };
                self.0.brokered(order, true)
            }
        }
    };
}

negotiation_methods!(Runtime);
negotiation_methods!(AsyncRuntime);
